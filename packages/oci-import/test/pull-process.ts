/** A program that pulls one image, for tests that kill it: `pull-process.ts REPOSITORY LAYOUT`. */
import { openOciDir } from '@cfskit/ocidir';
import { openRepository } from '@cfskit/repository';
import { importImage } from '../src/index.ts';

const [path, layout] = process.argv.slice(2) as [string, string];
const repository = await openRepository(path);
const source = await openOciDir(layout);
process.stdout.write('ready\n');
await importImage(repository, source, { name: 'demo', platform: { architecture: 'amd64', os: 'linux' }, image: false });
await repository.close();

// Run by oci-archive.test.ts: resolves an image and reads its config, and prints how many bytes that took from files.
import { loadImage, parsePlatform } from '@cfskit/oci-spec';
import { readFileSync } from 'node:fs';
import { openOciArchive } from '../src/index.ts';

const bytesRead = (): number => Number(/^rchar: ([0-9]+)$/m.exec(readFileSync('/proc/self/io', 'latin1'))?.[1]);

const before = bytesRead();
const archive = await openOciArchive(process.argv.at(2)!);
const { layers } = await loadImage(archive, { platform: parsePlatform('linux/amd64') });
await archive.close();
process.stdout.write(JSON.stringify({ layers: layers.length, bytes: bytesRead() - before }));

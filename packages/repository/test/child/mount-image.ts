// Runs in a mount namespace of its own: mounts the image `main` of a repository, looks, and prints what it saw as JSON.
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { umount } from '@cfskit/linux';
import { openRepository } from '../../src/index.ts';

const [path = ''] = process.argv.slice(2);
const at = (name: string): string => {
  mkdirSync(join(path, name), { recursive: true });
  return join(path, name);
};
const repository = await openRepository(path);
symlinkSync(at('mnt'), join(path, 'link'));
const upper = { upperdir: at('upper'), workdir: at('work') };

const plain = repository.mountImage('main', join(path, 'link'));
const seen = {
  plain,
  names: readdirSync(at('mnt')),
  external: readFileSync(join(path, 'mnt/external')).byteLength,
  entry: entryOf(join(path, 'mnt')),
  written: codeOf(() => writeFileSync(join(path, 'mnt/new'), '')),
};
umount(join(path, 'mnt'));

repository.mountImage('main', at('mnt'), { upper });
const shown = codeOf(() => writeFileSync(join(path, 'mnt/new'), ''));
umount(join(path, 'mnt'));

repository.mountImage('main', at('mnt'), { upper, readWrite: true });
writeFileSync(join(path, 'mnt/external'), 'changed');
const changed = { content: readFileSync(join(path, 'mnt/external'), 'utf8'), upper: readdirSync(join(path, 'upper')) };
umount(join(path, 'mnt'));
await repository.close();
process.stdout.write(JSON.stringify({ ...seen, shown, changed, left: entryOf(join(path, 'mnt')) ?? null }));

function entryOf(target: string): string | undefined {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.findLast((line) => line.split(' ')[4] === target)?.replace(/^.* - /, '');
}

function codeOf(act: () => void): string {
  try {
    act();
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code ?? 'none';
  }
}

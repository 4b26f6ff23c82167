// Runs in a mount namespace of its own: mounts, looks, and prints what it saw.
import { mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  closeDescriptor,
  fsconfig,
  fsmount,
  fsopen,
  mountComposefs,
  mountErofs,
  mountSetattr,
  moveMount,
  openTree,
  readFsMessages,
  umount,
} from '../../src/index.ts';

const [what, directory] = process.argv.slice(2) as [string, string];

const SCENES: Readonly<Record<string, () => unknown>> = {
  tmpfs() {
    const at = directoryAt('tmpfs');
    const context = fsopen('tmpfs');
    fsconfig(context, { set: 'string', key: 'source', value: 'cfskit-test' });
    fsconfig(context, { set: 'string', key: 'size', value: '64k' });
    fsconfig(context, { command: 'create' });
    const mount = fsmount(context, { noSuid: true, noDev: true });
    const messages = readFsMessages(context);
    closeDescriptor(context);
    const before = entryOf(at);
    moveMount(mount, at);
    writeFileSync(join(at, 'file'), 'x');
    mountSetattr(mount, { set: { readOnly: true, noExec: true }, clear: { noDev: true } });
    const attributes = entryOf(at)?.options;
    const written = codeOf(() => writeFileSync(join(at, 'file'), 'y'));
    const copy = openTree(at, { clone: true });
    mountSetattr(copy, { clear: { readOnly: true } });
    const second = directoryAt('copy');
    moveMount(copy, second);
    writeFileSync(join(second, 'file'), 'z');
    const busy = codeOf(() => umount(at)); // the descriptor of the mount is in use
    closeDescriptor(mount);
    umount(at);
    const kept = openSync(join(second, 'file'), 'r');
    umount(second, { detach: true });
    const content = readFileSync(kept, 'utf8');
    closeDescriptor(copy);
    return { messages, before, attributes, written, busy, content, left: [entryOf(at), entryOf(second)], none: codeOf(() => umount(at)) };
  },

  errors() {
    const context = fsopen('tmpfs');
    return {
      unknown: messageOf(() => fsconfig(context, { set: 'string', key: 'nonsense', value: 'x' })),
      flag: messageOf(() => fsconfig(context, { set: 'flag', key: 'size' })),
      early: messageOf(() => fsmount(context)),
      type: messageOf(() => fsopen('nonsense')),
      target: messageOf(() => moveMount(context, '/nonexistent')),
    };
  },

  erofs: () => readImage('when-needed'),

  loop: () => readImage('always'),

  notErofs() {
    writeFileSync(join(directory, 'nonsense'), new Uint8Array(8192).fill(7));
    return messageOf(() => mountErofs(openSync(join(directory, 'nonsense'), 'r')));
  },

  composefs() {
    const at = directoryAt('composefs');
    const { fd, verity, messages } = mountComposefs({ source: 'composefs:test', ...layers(), verity: 'off' });
    moveMount(fd, at);
    closeDescriptor(fd);
    const seen = { content: readFileSync(join(at, 'dir/file'), 'utf8'), names: readdirSync(join(at, 'dir')), entry: entryOf(at) };
    const written = codeOf(() => writeFileSync(join(at, 'new'), ''));
    umount(at);
    return { verity, messages, ...seen, written, left: mountsBelow(directory) };
  },

  several() {
    const at = directoryAt('several');
    const { erofs, objects } = layers();
    const { fd } = mountComposefs({ source: 'composefs', erofs, objects: [openSync(directoryAt('empty'), 'r'), objects], verity: 'off' });
    moveMount(fd, at);
    closeDescriptor(fd);
    const content = readFileSync(join(at, 'dir/file'), 'utf8');
    umount(at);
    return content;
  },

  verity() {
    const at = directoryAt('verity');
    const { fd, verity } = mountComposefs({ source: 'composefs:verity', ...layers(), verity: 'try' });
    moveMount(fd, at);
    closeDescriptor(fd);
    const read = codeOf(() => readFileSync(join(at, 'dir/file')));
    umount(at);
    return { verity, read };
  },

  writable() {
    const at = directoryAt('writable');
    const upper = openSync(directoryAt('upper'), 'r');
    const work = openSync(directoryAt('work'), 'r');
    const { fd } = mountComposefs({
      source: 'composefs:rw',
      ...layers(),
      verity: 'off',
      upper: { upper, work },
      attributes: { noExec: true },
    });
    moveMount(fd, at);
    closeDescriptor(fd);
    writeFileSync(join(at, 'dir/file'), 'changed');
    const seen = {
      content: readFileSync(join(at, 'dir/file'), 'utf8'),
      upper: readdirSync(join(directory, 'upper/dir')),
      entry: entryOf(at),
    };
    umount(at);
    return seen;
  },
};

function layers(): { erofs: number; objects: number } {
  return { erofs: mountErofs(openSync(join(directory, 'image'), 'r')).fd, objects: openSync(join(directory, 'objects'), 'r') };
}

function readImage(loop: 'when-needed' | 'always'): unknown {
  const at = directoryAt(`erofs-${loop}`);
  const { fd, messages } = mountErofs(openSync(join(directory, 'image'), 'r'), { loop, noDev: true });
  moveMount(fd, at);
  closeDescriptor(fd);
  const seen = { names: readdirSync(at), inline: readFileSync(join(at, 'inline'), 'utf8'), entry: entryOf(at), messages };
  umount(at);
  return seen;
}

function directoryAt(name: string): string {
  mkdirSync(join(directory, name), { recursive: true });
  return join(directory, name);
}

function mountTable(): { target: string; options: string; type: string; source: string; superOptions: string }[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , , target = '', options = ''] = left.split(' ');
    const [type = '', source = '', superOptions = ''] = right.split(' ');
    return { target, options, type, source, superOptions };
  });
}

function entryOf(target: string): ReturnType<typeof mountTable>[number] | undefined {
  return mountTable().findLast((entry) => entry.target === target);
}

function mountsBelow(path: string): string[] {
  return mountTable()
    .map(({ target }) => target)
    .filter((target) => target.startsWith(`${path}/`) || target.includes('.composefs.'));
}

function codeOf(act: () => unknown): string {
  return failureOf(act).code ?? 'none';
}

function messageOf(act: () => unknown): string {
  return failureOf(act).message;
}

function failureOf(act: () => unknown): { code?: string; message: string } {
  try {
    act();
    return { message: 'nothing thrown' };
  } catch (error) {
    return error as { code?: string; message: string };
  }
}

process.stdout.write(JSON.stringify(SCENES[what]?.()));

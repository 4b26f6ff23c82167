import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { array, assert, constantFrom, property } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytes } from './bytes.ts';
import { load, MEANS, useDirectory } from './means.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY } = constants;

describe.each(MEANS)('openAt by %s', async (means) => {
  const { closeDescriptor, entryPath, O_PATH, openAt } = await load(means);
  const path = useDirectory();
  let directory = -1;
  beforeEach(() => {
    directory = openSync(path(), 'r');
  });
  afterEach(() => closeSync(directory));

  it('makes files with names that are no text', () => {
    const name = Uint8Array.of(0x66, 0xff, 0xfe, 0x0a);
    const fd = openAt(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0o600);
    writeSync(fd, 'content');
    closeDescriptor(fd);
    expect(readFileSync(Buffer.concat([Buffer.from(`${path()}/`), name]), 'utf8')).toBe('content');
    expect(readFileSync(entryPath(directory, name), 'utf8')).toBe('content');
    expect(() => openAt(directory, name, O_WRONLY | O_CREAT | O_EXCL)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  });

  it('follows no symbolic link', () => {
    writeFileSync(join(path(), 'file'), '');
    symlinkSync('file', join(path(), 'link'));
    expect(() => openAt(directory, bytes('link'), O_RDONLY)).toThrow(expect.objectContaining({ name: 'LinuxError', code: 'ELOOP' }));
    closeDescriptor(openAt(directory, bytes('link'), O_PATH));
  });

  it('stays with the directory when its path changes', () => {
    mkdirSync(join(path(), 'a'));
    writeFileSync(join(path(), 'a/file'), 'inside');
    const inner = openAt(directory, bytes('a'), O_PATH | O_DIRECTORY);
    renameSync(join(path(), 'a'), join(path(), 'b'));
    symlinkSync('/etc', join(path(), 'a'));
    const fd = openAt(inner, bytes('file'), O_RDONLY);
    expect(readFileSync(fd, 'utf8')).toBe('inside');
    closeDescriptor(fd);
    closeDescriptor(inner);
  });

  it.each(['', '.', '..', 'a/b', '../x', '/etc', 'a\0b'])('refuses %j, which is no name of an entry', (name) => {
    expect(() => openAt(directory, bytes(name), O_RDONLY)).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
  });

  it('reports what is not there', () => {
    expect(() => openAt(directory, bytes('none'), O_RDONLY)).toThrow(expect.objectContaining({ code: 'ENOENT', errno: -2, path: 'none' }));
    expect(() => openAt(123_456, bytes('none'), O_RDONLY)).toThrow(expect.objectContaining({ name: 'LinuxError' }));
    expect(() => closeDescriptor(123_456)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });
});

describe.each(MEANS)('openBeneath by %s', async (means) => {
  const { capabilities, closeDescriptor, openBeneath } = await load(means);
  const path = useDirectory();
  let directory = -1;
  beforeEach(() => {
    mkdirSync(join(path(), 'root/a/b'), { recursive: true });
    writeFileSync(join(path(), 'root/a/b/file'), 'inside');
    writeFileSync(join(path(), 'outside'), 'outside');
    symlinkSync('a', join(path(), 'root/relative'));
    symlinkSync('/a', join(path(), 'root/absolute'));
    symlinkSync('../outside', join(path(), 'root/escape'));
    symlinkSync('loop', join(path(), 'root/loop'));
    directory = openSync(join(path(), 'root'), 'r');
  });
  afterEach(() => closeSync(directory));

  function read(text: string, symlinks?: 'refuse' | 'follow' | 'in-root'): string {
    const fd = openBeneath(directory, bytes(text), O_RDONLY, { symlinks });
    try {
      return readFileSync(fd, 'utf8');
    } finally {
      closeDescriptor(fd);
    }
  }

  it('opens what is below', () => {
    expect(read('a/b/file')).toBe('inside');
    closeDescriptor(openBeneath(directory, bytes('a/b'), O_RDONLY | O_DIRECTORY));
    closeDescriptor(openBeneath(directory, bytes('a/new'), O_WRONLY | O_CREAT | O_EXCL, { mode: 0o600 }));
    expect(read('a/new')).toBe('');
  });

  it.each(['relative/b/file', 'absolute/b/file', 'escape', 'loop', 'relative'])('refuses the symbolic link in %s', (text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^(ELOOP|ENOTDIR)$/) as unknown }));
  });

  it.each(['', '/', '/a', 'a/', 'a//b', 'a/../outside', '../outside', './a', 'a/.', 'a/\0'])(
    'refuses %j, which is no path below',
    (text) => {
      for (const symlinks of ['refuse', 'follow', 'in-root'] as const) {
        expect(() => read(text, symlinks)).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
      }
    },
  );

  it('never leaves the directory, whatever the path', () => {
    const component = constantFrom('a', 'b', 'relative', 'absolute', 'escape', 'loop', '..', '.', '', 'file', 'outside');
    const way = constantFrom('refuse', 'follow', 'in-root');
    assert(
      property(array(component, { maxLength: 6 }), way, (components, symlinks) => {
        expect(outcomeOf(() => read(components.join('/'), symlinks))).not.toBe('outside');
      }),
      { numRuns: 200 },
    );
  });

  const byKernel = capabilities().openBeneath.means === 'native';
  it.skipIf(byKernel)('follows no symbolic links where the kernel does not help', () => {
    expect(() => read('relative/b/file', 'follow')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  });

  it.runIf(byKernel)('follows symbolic links inside', () => {
    expect(read('relative/b/file', 'follow')).toBe('inside');
    expect(() => read('absolute/b/file', 'follow')).toThrow(expect.objectContaining({ code: 'EXDEV' }));
    expect(() => read('escape', 'follow')).toThrow(expect.objectContaining({ code: 'EXDEV' }));
    expect(read('absolute/b/file', 'in-root')).toBe('inside');
    expect(() => read('escape', 'in-root')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });

  it('leaves no descriptor behind', () => {
    rmSync(join(path(), 'root/a/b/file'));
    const before = openSync('/dev/null', 'r');
    closeSync(before);
    expect(() => read('a/b/file')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(() => read('a/none/file')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    const after = openSync('/dev/null', 'r');
    closeSync(after);
    expect(after).toBe(before);
  });
});

/** What was read, or the code of the typed error. */
function outcomeOf(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
}

it('closes in a worker thread what it opened there, without a warning', async () => {
  const code = `
    import { closeDescriptor, openAt, socketPair } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)};
    import { closeSync, openSync } from 'node:fs';
    import { parentPort } from 'node:worker_threads';
    let warnings = 0;
    process.on('warning', () => warnings++);
    const directory = openSync('/', 'r');
    closeDescriptor(openAt(directory, Buffer.from('dev'), 0));
    socketPair().forEach(closeDescriptor);
    closeSync(directory);
    setImmediate(() => parentPort.postMessage(warnings));`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { execArgv: ['--conditions=source'] });
  const warnings = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  expect(warnings).toBe(0);
});

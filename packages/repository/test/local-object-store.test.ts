import { fsVerityDigest, objectPath } from '@cfskit/fs-verity';
import { capabilities, setXattr } from '@cfskit/linux';
import { array, assert, boolean, integer, property } from 'fast-check';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { LocalObjectStore, type VerityCalls } from '../src/index.ts';
import { objectStoreChecks } from '../src/testing.ts';
import { FakeVerity, noVerity, temporaryDirectory, testData, tree } from './support.ts';

const coded = (code: string): Error => expect.objectContaining({ name: 'RepositoryError', code }) as Error;

/** CAP_DAC_READ_SEARCH, which root has, and a linkat to use it with. */
const mayHardLink = capabilities().koffi.means === 'native' && /^CapEff:.*[4-7c-f]$/m.test(readFileSync('/proc/self/status', 'utf8'));

/** cap_net_raw+p, in the second version of the format: magic, then permitted and inheritable, twice. */
const NET_RAW = Buffer.from('0000000200200000000000000000000000000000', 'hex');

function store(options: Partial<ConstructorParameters<typeof LocalObjectStore>[0]> = {}): LocalObjectStore {
  return new LocalObjectStore({ path: temporaryDirectory(), algorithm: 'sha256', secure: false, ...options });
}

describe.each(['sha256', 'sha512'] as const)('contract, %s', (algorithm) => {
  const checks = objectStoreChecks(() => {
    const subject = store({ algorithm });
    return Promise.resolve({
      store: subject,
      damage: async (id, content) => writeFileSync(subject.pathOf(id), content),
      leftOvers: async () => tree(subject.path).filter((path) => !/^objects\/[0-9a-f]{2}\/[0-9a-f]+$/.test(path)),
    });
  });
  it.each(checks)('$name', async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });
});

describe('contract, secure', () => {
  const checks = objectStoreChecks(() => {
    const verity = new FakeVerity();
    const subject = store({ secure: true, verity });
    return Promise.resolve({
      store: subject,
      damage: async (id, content) => {
        // What the kernel would not allow: another file, with verity of its own.
        writeFileSync(subject.pathOf(id), content);
        verity.enabled.set(statSync(subject.pathOf(id)).ino, { algorithm: 'sha256', digest: fsVerityDigest(content, 'sha256') });
      },
    });
  });
  it.each(checks)('$name', async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });
});

describe('files', () => {
  it('are where the format wants them', () => {
    const objects = store();
    const { id } = objects.putSync(Buffer.from('hello world'));
    expect(id).toBe('1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64');
    expect(tree(objects.path)).toEqual(['objects/1e/2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64']);
    expect(objects.pathOf(id)).toBe(join(objects.path, 'objects', objectPath(id)));
    expect(readFileSync(objects.pathOf(id), 'utf8')).toBe('hello world');
  });
  it('can be read by everybody', () => {
    const objects = store();
    const { mode } = statSync(objects.pathOf(objects.putSync(testData(10)).id));
    expect(mode & 0o777 & ~process.umask()).toBe(0o644 & ~process.umask());
  });
  it('are not written again', () => {
    const objects = store();
    const { id } = objects.putSync(testData(5000));
    const { ino } = lstatSync(objects.pathOf(id));
    objects.forget();
    expect(objects.putSync(testData(5000)).stored).toBe(false);
    expect(lstatSync(objects.pathOf(id)).ino).toBe(ino);
  });
  it.each([100, 2 << 20])('of another content are replaced: %i bytes', (size) => {
    const objects = store();
    const { id } = objects.putSync(testData(size));
    const content = testData(size);
    for (const damaged of [content.subarray(1), content.with(size - 1, 1), new Uint8Array(0)]) {
      writeFileSync(objects.pathOf(id), damaged);
      objects.forget();
      expect(objects.putSync(content)).toEqual({ id, size, stored: true });
      writeFileSync(objects.pathOf(id), damaged);
      objects.forget();
      const writer = objects.createWriterSync();
      writer.write(content);
      expect(writer.finish()).toEqual({ id, size, stored: true });
      expect(objects.readSync(id, { limit: size, verify: true })).toEqual(content);
    }
    expect(tree(objects.path).length).toBe(1);
  });
  it('are what an upper case name is not', async () => {
    const objects = store();
    const { id } = objects.putSync(testData(5));
    mkdirSync(join(objects.path, 'objects/aa'), { recursive: true });
    linkSync(objects.pathOf(id), join(objects.path, 'objects/aa', 'AB'.repeat(31)));
    expect(await Array.fromAsync(objects.list())).toEqual([id]);
  });
});

describe('writer', () => {
  it('gives the same object for any pieces', () => {
    assert(
      property(array(integer({ min: 0, max: 9000 }), { maxLength: 30 }), boolean(), (sizes, announced) => {
        const objects = store();
        const content = testData(sizes.reduce((sum, size) => sum + size, 0));
        const writer = objects.createWriterSync(announced ? content.byteLength : undefined);
        let at = 0;
        for (const size of sizes) writer.write(content.subarray(at, (at += size)));
        expect(writer.finish()).toEqual({ id: fsVerityDigest(content, 'sha256'), size: content.byteLength, stored: true });
      }),
      { numRuns: 30 },
    );
  });
  it('refuses more than announced at once', () => {
    const objects = store();
    const writer = objects.createWriterSync(10);
    expect(() => writer.write(testData(11))).toThrow('Expected 10 bytes, got 11');
    expect(() => writer.write(testData(1))).toThrow(TypeError);
  });
  it('refuses less than announced at the end', () => {
    const writer = store().createWriterSync(10);
    writer.write(testData(9));
    expect(() => writer.finish()).toThrow(coded('SIZE_MISMATCH'));
  });
  it('can be aborted at any time', () => {
    const objects = store();
    for (const size of [0, 10, 3 << 20]) {
      const writer = objects.createWriterSync();
      writer.write(testData(size));
      writer.abort();
      writer.abort();
    }
    expect(tree(objects.path)).toEqual([]);
  });
  it('takes several at once', () => {
    const objects = store();
    const writers = [1, 2, 3].map((seed) => ({ writer: objects.createWriterSync(), content: testData(1 << 21, seed) }));
    for (let at = 0; at < 1 << 21; at += 100_000) {
      for (const { writer, content } of writers) writer.write(content.subarray(at, at + 100_000));
    }
    for (const { writer, content } of writers) expect(writer.finish().id).toBe(fsVerityDigest(content, 'sha256'));
  });
});

describe('reading', () => {
  it('refuses what is larger than the limit', () => {
    const objects = store();
    const { id } = objects.putSync(testData(100));
    expect(() => objects.readSync(id, { limit: 99 })).toThrow(coded('TOO_LARGE'));
    expect(objects.readSync(id, { limit: 100 })).toEqual(testData(100));
  });
  it('looks at the content only when asked', () => {
    const objects = store();
    const { id } = objects.putSync(testData(100));
    writeFileSync(objects.pathOf(id), testData(100, 1));
    expect(objects.readSync(id, { limit: 100 })).toEqual(testData(100, 1));
    expect(() => objects.readSync(id, { limit: 100, verify: true })).toThrow(coded('CORRUPT_OBJECT'));
  });
  it('gives the size', () => {
    const objects = store();
    const { id } = objects.putSync(testData(100));
    expect(objects.sizeSync(id)).toBe(100);
    expect(objects.sizeSync('00'.repeat(32))).toBeUndefined();
  });
  it('tells what is known without reading', () => {
    const objects = store();
    const { id } = objects.putSync(testData(100));
    linkSync(objects.pathOf(id), join(objects.path, 'second'));
    expect(objects.statSync(id)).toEqual({ size: 100, linkCount: 2, verity: undefined });
    expect(objects.statSync('00'.repeat(32))).toBeUndefined();
    const secure = store({ secure: true, verity: new FakeVerity() });
    expect(secure.statSync(secure.putSync(testData(100)).id)).toEqual({ size: 100, linkCount: 1, verity: id });
  });
});

describe('from a file', () => {
  it('stores, reads back, and stores again', async () => {
    const objects = store();
    const path = join(temporaryDirectory(), 'file');
    for (const size of [0, 10, 3 << 20]) {
      writeFileSync(path, testData(size));
      const id = fsVerityDigest(testData(size), 'sha256');
      const first = await objects.putFile(path, { size });
      expect(first).toMatchObject({ id, size });
      expect(['copied', 'reflinked']).toContain(first.method);
      expect(objects.readSync(id, { limit: size })).toEqual(testData(size));
      expect(await objects.putFile(path)).toEqual({ id, size, method: 'already-present' });
    }
    expect(tree(objects.path).length).toBe(3);
  });
  it('copies when asked for that alone', async () => {
    const path = join(temporaryDirectory(), 'file');
    writeFileSync(path, testData(10));
    expect(await store().putFile(path, { methods: ['copy'] })).toMatchObject({ method: 'copied' });
  });
  it.runIf(mayHardLink)('hard links for those who may', async () => {
    const objects = store();
    const path = join(objects.path, 'file');
    writeFileSync(path, testData(10));
    const { id, method } = await objects.putFile(path, { methods: ['hardlink'] });
    expect(method).toBe('hardlinked');
    expect(lstatSync(objects.pathOf(id)).ino).toBe(lstatSync(path).ino);
    expect(await objects.putFile(path, { methods: ['hardlink'] })).toMatchObject({ method: 'already-present' });
  });
  it.runIf(mayHardLink).each([
    ['sets the user', (path: string): unknown => chmodSync(path, 0o4755)],
    ['sets the group', (path: string): unknown => chmodSync(path, 0o2755)],
    ['has capabilities', (path: string): unknown => setXattr(path, Buffer.from('security.capability'), NET_RAW)],
  ])('never hard links a program that %s', async (_, giveRights) => {
    const objects = store();
    const path = join(objects.path, 'program');
    writeFileSync(path, testData(10));
    giveRights(path);
    await expect(objects.putFile(path, { methods: ['hardlink'] })).rejects.toThrow(coded('ZERO_COPY_IMPOSSIBLE'));
    const { id, method } = await objects.putFile(path, { methods: ['hardlink'], copyPrivileged: true });
    expect(method).toBe('copied');
    expect(lstatSync(objects.pathOf(id)).mode & 0o6000).toBe(0);
  });
  it.runIf(mayHardLink && statSync('/dev/shm').dev !== statSync(tmpdir()).dev)(
    'leaves a file alone that is on another file system',
    async () => {
      const verity = new FakeVerity();
      const objects = store({ verity });
      const elsewhere = mkdtempSync('/dev/shm/file-import-');
      const path = join(elsewhere, 'file');
      writeFileSync(path, testData(10));
      await expect(objects.putFile(path, { methods: ['hardlink'] })).rejects.toThrow(coded('ZERO_COPY_IMPOSSIBLE'));
      expect(verity.enabled.size).toBe(0);
      rmSync(elsewhere, { recursive: true });
    },
  );
  it.runIf(!mayHardLink)('copies instead for those who may not, unless that is not asked for', async () => {
    const objects = store();
    const path = join(objects.path, 'file');
    writeFileSync(path, testData(10));
    await expect(objects.putFile(path, { methods: ['hardlink'] })).rejects.toThrow(coded('ZERO_COPY_IMPOSSIBLE'));
    await expect(objects.putFile(path, { methods: ['hardlink', 'copy'] })).resolves.toMatchObject({ method: 'copied' });
  });
  it('refuses another size, and what is no file', async () => {
    const objects = store();
    const path = join(objects.path, 'file');
    writeFileSync(path, testData(10));
    await expect(objects.putFile(path, { size: 11 })).rejects.toThrow(coded('SIZE_MISMATCH'));
    await expect(objects.putFile(objects.path)).rejects.toThrow(coded('UNEXPECTED_FILE_TYPE'));
    await expect(objects.putFile(path, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect(existsSync(join(objects.path, 'objects'))).toBe(false);
  });
});

describe('secure', () => {
  it('gives every object verity before its name', () => {
    const verity = new FakeVerity();
    const objects = store({ secure: true, verity });
    for (const size of [0, 10, 3 << 20]) {
      const writer = objects.createWriterSync();
      writer.write(testData(size));
      const { id } = writer.finish();
      expect(verity.enabled.get(statSync(objects.pathOf(id)).ino)).toEqual({ algorithm: 'sha256', digest: id });
    }
  });
  it('goes on with a copy while somebody has the file open for writing', () => {
    const verity = new FakeVerity();
    const objects = store({ secure: true, verity });
    verity.busy = 1;
    const { id } = objects.putSync(testData(10));
    expect(verity.enabled.get(statSync(objects.pathOf(id)).ino)?.digest).toBe(id);
    verity.busy = 2;
    expect(() => objects.putSync(testData(11))).toThrow('Enabling verity digest: File is opened for writing');
    expect(tree(objects.path).length).toBe(1);
  });
  it('refuses a file system without verity', () => {
    for (const verity of [noVerity, { ...noVerity, measure: () => undefined }]) {
      const objects = store({ secure: true, verity });
      expect(() => objects.putSync(testData(10))).toThrow(coded('VERITY_UNSUPPORTED'));
      expect(tree(objects.path)).toEqual([]);
    }
  });
  it('does not open an object without verity', () => {
    const verity = new FakeVerity();
    const objects = store({ secure: true, verity });
    const { id } = objects.putSync(testData(10));
    closeSync(objects.openSync(id));
    verity.enabled.clear();
    expect(() => objects.openSync(id)).toThrow('fs-verity is not enabled on file');
    objects.forget();
    expect(() => objects.putSync(testData(10))).toThrow(coded('VERITY_MISSING'));
  });
  it('does not accept a kernel of another opinion', () => {
    const verity = new FakeVerity();
    const objects = store({ secure: true, verity });
    const { id } = objects.putSync(testData(10));
    const { ino } = statSync(objects.pathOf(id));
    verity.enabled.set(ino, { algorithm: 'sha256', digest: '00'.repeat(32) });
    expect(() => objects.openSync(id)).toThrow(`Expected digest ${id} but found ${'00'.repeat(32)}`);
    verity.enabled.set(ino, { algorithm: 'sha512', digest: '00'.repeat(64) });
    expect(() => objects.openSync(id)).toThrow(coded('CORRUPT_OBJECT'));
    objects.forget();
    expect(() => objects.putSync(testData(10))).toThrow(coded('CORRUPT_OBJECT'));
  });
});

describe('insecure, on a file system with verity', () => {
  it('uses it all the same', () => {
    const verity = new FakeVerity();
    const objects = store({ verity });
    const { id } = objects.putSync(testData(10));
    expect(verity.enabled.get(statSync(objects.pathOf(id)).ino)?.digest).toBe(id);
  });
  it('gives it to an object that has none', () => {
    const verity = new FakeVerity();
    const objects = store({ verity });
    const { id } = objects.putSync(testData(10));
    verity.enabled.clear();
    objects.forget();
    expect(objects.putSync(testData(10)).stored).toBe(false);
    expect(verity.enabled.get(statSync(objects.pathOf(id)).ino)?.digest).toBe(id);
  });
  it('refuses an object that the kernel knows to be another', () => {
    const verity = new FakeVerity();
    const objects = store({ verity });
    const { id } = objects.putSync(testData(10));
    verity.enabled.set(statSync(objects.pathOf(id)).ino, { algorithm: 'sha256', digest: '00'.repeat(32) });
    objects.forget();
    expect(() => objects.putSync(testData(10))).toThrow(coded('CORRUPT_OBJECT'));
    expect(() => objects.openSync(id)).toThrow(coded('CORRUPT_OBJECT'));
  });
});

it('asks a file system without verity only once', () => {
  const measure = vi.fn<VerityCalls['measure']>(() => 'unsupported');
  const objects = store({ verity: { ...noVerity, measure } });
  for (let seed = 0; seed < 10; seed++) objects.putSync(testData(10, seed));
  expect(measure).toHaveBeenCalledTimes(1);
});

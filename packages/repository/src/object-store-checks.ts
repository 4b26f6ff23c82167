import { fsVerityDigest, type ObjectId } from '@cfskit/fs-verity';
import assert from 'node:assert/strict';
import { hasCode } from './errors.ts';
import type { ObjectStore } from './object-store.ts';

/** A store to be checked, and what only its maker can do to it. */
export interface ObjectStoreSubject {
  /** Empty. */
  readonly store: ObjectStore;
  /** Change the content that is kept under an id, behind the store's back. */
  damage(id: ObjectId, content: Uint8Array): Promise<void>;
  /** Names of files that are neither objects nor directories of objects; without it, there are none. */
  leftOvers?(): Promise<readonly string[]>;
  close?(): Promise<void>;
}

/** One check of the interface's promises; it rejects when the promise is broken. */
export interface ObjectStoreCheck {
  readonly name: string;
  run(): Promise<void>;
}

/** Checks for an implementation of {@link ObjectStore}, each on a store of its own. They need no test runner. */
export function objectStoreChecks(create: () => Promise<ObjectStoreSubject>): readonly ObjectStoreCheck[] {
  return Object.entries(CHECKS).map(([name, check]) => ({
    name,
    run: async () => {
      const subject = await create();
      try {
        await check(subject);
        assert.deepEqual(await (subject.leftOvers?.() ?? []), [], 'temporary files are left');
      } finally {
        await subject.close?.();
      }
    },
  }));
}

type Check = (subject: ObjectStoreSubject) => Promise<void>;

const CHECKS: Readonly<Record<string, Check>> = {
  'names a content by its fs-verity digest': async ({ store }) => {
    for (const size of SIZES) {
      const content = bytes(size);
      const { id, size: found, stored } = await store.put(content);
      assert.equal(id, fsVerityDigest(content, store.algorithm));
      assert.equal(found, size);
      assert.equal(stored, true);
    }
  },
  'gives back what was stored': async ({ store }) => {
    for (const size of SIZES) assert.deepEqual(await read(store, (await store.put(bytes(size))).id), bytes(size));
  },
  'takes pieces of any size': async ({ store }) => {
    const content = bytes(LARGE);
    for (const piece of [1 << 20, 65_537, 999_983]) {
      const { id } = await store.put(cut(content, piece));
      assert.equal(id, fsVerityDigest(content, store.algorithm));
    }
    assert.equal((await store.put(cut(bytes(1000), 1))).id, fsVerityDigest(bytes(1000), store.algorithm));
  },
  'does not keep the pieces it is given': async ({ store }) => {
    const reused = new Uint8Array(100_000);
    const { id } = await store.put(refill(reused, 30));
    const expected = Buffer.concat(Array.from({ length: 30 }, (_, index) => new Uint8Array(100_000).fill(index)));
    assert.deepEqual(await read(store, id), new Uint8Array(expected));
  },
  'gives pieces that belong to the consumer': async ({ store }) => {
    const { id } = await store.put(bytes(LARGE));
    for await (const piece of store.open(id)) piece.fill(0);
    assert.deepEqual(await read(store, id), bytes(LARGE));
  },
  'stores a content once': async ({ store }) => {
    for (const size of SIZES) {
      const first = await store.put(bytes(size));
      const second = await store.put(cut(bytes(size), 70_000));
      assert.deepEqual([first.stored, second.stored, second.id], [true, false, first.id]);
    }
    assert.equal((await list(store)).length, SIZES.length);
  },
  'stores the same content twice at the same moment': async ({ store }) => {
    const results = await Promise.all([0, 1, 2].map(() => store.put(cut(bytes(LARGE), 100_000))));
    assert.equal(results.filter(({ stored }) => stored).length, 1);
    assert.deepEqual(await read(store, results[0]!.id), bytes(LARGE));
  },
  'says what it has': async ({ store }) => {
    const { id } = await store.put(bytes(10));
    assert.equal(await store.has(id), true);
    assert.equal(await store.has(fsVerityDigest(bytes(11), store.algorithm)), false);
  },
  'lists ids in ascending order': async ({ store }) => {
    const ids: ObjectId[] = [];
    for (let size = 0; size < 50; size++) ids.push((await store.put(bytes(size))).id);
    assert.deepEqual(await list(store), ids.toSorted());
  },
  'removes an object': async ({ store }) => {
    const { id } = await store.put(bytes(10));
    assert.equal(await store.remove(id), true);
    assert.equal(await store.remove(id), false);
    assert.equal(await store.has(id), false);
    assert.deepEqual(await list(store), []);
    assert.equal((await store.put(bytes(10))).stored, true);
  },
  'refuses to open what is not there': async ({ store }) => {
    await assert.rejects(read(store, fsVerityDigest(bytes(1), store.algorithm)), withCode('NOT_FOUND'));
  },
  'refuses ids of another form': async ({ store }) => {
    for (const id of ['', '../../etc/passwd', 'ab', 'z'.repeat(store.algorithm === 'sha256' ? 128 : 64)]) {
      await assert.rejects(store.has(id), TypeError);
      await assert.rejects(read(store, id), TypeError);
      await assert.rejects(store.remove(id), TypeError);
    }
  },
  'stores nothing when the source fails': async ({ store }) => {
    for (const size of SIZES) await assert.rejects(store.put(failing(bytes(size))), /the source failed/);
    assert.deepEqual(await list(store), []);
  },
  'stores nothing of another size than announced': async ({ store }) => {
    for (const size of SIZES) {
      await assert.rejects(store.put(cut(bytes(size), 70_000), { size: size + 1 }), withCode('SIZE_MISMATCH'));
      if (size > 0) await assert.rejects(store.put(cut(bytes(size), 70_000), { size: size - 1 }), withCode('SIZE_MISMATCH'));
    }
    assert.deepEqual(await list(store), []);
    assert.equal((await store.put(bytes(5), { size: 5 })).stored, true);
  },
  'stores nothing after the signal': async ({ store }) => {
    const controller = new AbortController();
    const reason = new Error('enough');
    await assert.rejects(store.put(aborting(controller, reason), { signal: controller.signal }), reason);
    await assert.rejects(store.put(bytes(1), { signal: controller.signal }), reason);
    assert.deepEqual(await list(store), []);
  },
  'stops reading at the signal': async ({ store }) => {
    const { id } = await store.put(bytes(10));
    await assert.rejects(read(store, id, { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
  },
  'finds damage when it is asked to verify': async (subject) => {
    const { store } = subject;
    for (const size of SIZES) {
      const { id } = await store.put(bytes(size));
      assert.deepEqual(await read(store, id, { verify: true }), bytes(size));
      await subject.damage(id, bytes(size + 1));
      await assert.rejects(read(store, id, { verify: true }), withCode('CORRUPT_OBJECT'));
    }
  },
};

/** Empty, one block and its neighbours, and more than is kept in memory. */
const LARGE = 3 * (1 << 20) + 17;
const SIZES = [0, 1, 4095, 4096, 4097, 1 << 20, (1 << 20) + 1, LARGE];

function bytes(size: number): Uint8Array {
  const result = new Uint8Array(size);
  for (let index = 0; index < size; index++) result[index] = (index * 17 + (index >> 8)) & 0xff;
  return result;
}

async function* cut(content: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let start = 0; start < content.byteLength; start += size) yield content.subarray(start, start + size);
}

async function* refill(buffer: Uint8Array, count: number): AsyncGenerator<Uint8Array, void> {
  for (let index = 0; index < count; index++) yield buffer.fill(index);
}

async function* failing(content: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield content;
  throw new Error('the source failed');
}

async function* aborting(controller: AbortController, reason: Error): AsyncGenerator<Uint8Array, void> {
  yield bytes(LARGE);
  controller.abort(reason);
  yield bytes(10);
}

async function read(store: ObjectStore, id: ObjectId, options?: Parameters<ObjectStore['open']>[1]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.open(id, options)) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

async function list(store: ObjectStore): Promise<ObjectId[]> {
  const ids: ObjectId[] = [];
  for await (const id of store.list()) ids.push(id);
  return ids;
}

function withCode(code: string): (error: unknown) => boolean {
  return (error) => hasCode(error, code);
}

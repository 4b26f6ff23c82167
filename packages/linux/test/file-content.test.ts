import { closeSync, openSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileChunks, readFully, readRange } from '../src/index.ts';
import { useDirectory } from './means.ts';

const directory = useDirectory();
const content = Uint8Array.from({ length: 1000 }, (_, at) => at % 251);
let fd = -1;
beforeEach(() => {
  const path = join(directory(), 'file');
  writeFileSync(path, content);
  fd = openSync(path, 'r');
});
afterEach(() => closeSync(fd));

it.each([
  [0, 1000, 1000],
  [990, 20, 10],
  [1000, 5, 0],
])('readFully and readRange: from %i, %i wanted, %i there', async (start, wanted, there) => {
  const target = new Uint8Array(wanted);
  expect(readFully(fd, target, start)).toBe(there);
  expect(target.subarray(0, there)).toEqual(content.subarray(start, start + there));
  await using handle = await open(join(directory(), 'file'));
  expect(await readRange(handle, start, wanted)).toEqual(content.subarray(start, start + there));
});

describe('fileChunks', () => {
  it.each([
    [1000, [400, 400, 200]],
    [2000, [400, 400, 200]],
    [800, [400, 400]],
    [0, []],
  ])('of %i bytes', async (size, sizes) => {
    const chunks = await Array.fromAsync(fileChunks(fd, size, 400));
    expect(chunks.map(({ byteLength }) => byteLength)).toEqual(sizes);
    expect(Uint8Array.from(Buffer.concat(chunks))).toEqual(content.subarray(0, size));
  });

  it('gives each chunk away', async () => {
    const chunks = fileChunks(fd, 2, 1);
    const first = await chunks.next();
    await chunks.next();
    expect([...(first.value as Uint8Array)]).toEqual([0]);
  });
});

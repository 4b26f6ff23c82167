// What one block of 4096 bytes costs by each way of hashing it, and what a whole small file costs.
// node --conditions=source bench/block-hash.ts        (medians of nine rounds; the numbers in docs/decisions/block-hashing.md come from it)
import { createHash, hash, randomBytes } from 'node:crypto';
import { fsVerityDigest } from '@cfskit/fs-verity';
import { addressOf, nativeBlockHash, openLibrary } from '../src/index.ts';

const BLOCK = 4096;
const COUNT = 1024;
const input = new Uint8Array(randomBytes(BLOCK * COUNT));
const output = new Uint8Array(64 * COUNT);

/** Median nanoseconds per item of a round that handles `items`. */
function measure(items: number, round: () => void): number {
  const times = Array.from({ length: 12 }, () => {
    const start = process.hrtime.bigint();
    round();
    return Number(process.hrtime.bigint() - start) / items;
  });
  return times.slice(3).toSorted((a, b) => a - b)[4]!;
}

function report(name: string, nanoseconds: number): void {
  process.stdout.write(`${name.padEnd(46)} ${(nanoseconds / 1000).toFixed(2)} us\n`);
}

/** Per block, for a way to hash block `index` into `output`. */
function perBlock(name: string, hashBlock: (index: number) => void): void {
  const round = () => {
    for (let index = 0; index < COUNT; index++) hashBlock(index);
  };
  report(name, measure(COUNT, round));
}

const block = (index: number) => input.subarray(index * BLOCK, (index + 1) * BLOCK);

for (const algorithm of ['sha256', 'sha512'] as const) {
  const size = algorithm === 'sha256' ? 32 : 64;
  const name = algorithm.toUpperCase();
  const library = openLibrary(null)!;
  const [from, to] = [addressOf(input)!, addressOf(output)!];

  process.stdout.write(`\n${algorithm}, per block of 4096 bytes\n`);
  report(
    'all blocks as one message (no call overhead)',
    measure(COUNT, () => hash(algorithm, input, 'buffer')),
  );
  perBlock('createHash().update(subarray).digest()', (index) =>
    output.set(createHash(algorithm).update(block(index)).digest(), index * size),
  );
  perBlock("crypto.hash(subarray, 'buffer')", (index) => output.set(hash(algorithm, block(index), 'buffer'), index * size));

  const oneShot = library.func(`uintptr_t ${name}(uintptr_t data, size_t size, uintptr_t digest)`)!;
  perBlock(`koffi: ${name}(address)`, (index) => oneShot(from + index * BLOCK, BLOCK, to + index * size));
  const method = library.func(`uintptr_t EVP_${algorithm}()`)!();
  const evp = library.func(
    'int EVP_Digest(uintptr_t data, size_t size, uintptr_t digest, uintptr_t length, uintptr_t method, uintptr_t engine)',
  )!;
  perBlock('koffi: EVP_Digest(address)', (index) => evp(from + index * BLOCK, BLOCK, to + index * size, 0, method, 0));
  const arrays = library.func(`uintptr_t ${name}(const uint8_t *data, size_t size, uint8_t *digest)`)!;
  perBlock(`koffi: ${name}(subarray)`, (index) => arrays(block(index), BLOCK, output.subarray(index * size, (index + 1) * size)));

  const native = nativeBlockHash(algorithm)!;
  perBlock('nativeBlockHash, a block per call', (index) => native.hashBlocks(input, index * BLOCK, 1, output, index * size));
  report(
    'nativeBlockHash, 64 blocks per call',
    measure(COUNT, () => {
      for (let index = 0; index < COUNT; index += 64) native.hashBlocks(input, index * BLOCK, 64, output, index * size);
    }),
  );

  process.stdout.write(`${algorithm}, fsVerityDigest of a file\n`);
  for (const bytes of [100, 4096, 16_384, 65_536, 1 << 20]) {
    const files = Math.min(COUNT, Math.floor(input.byteLength / Math.max(bytes, BLOCK)));
    for (const [label, options] of [
      ['default', {}],
      ['native', { blockHash: native }],
    ] as const) {
      const round = () => {
        for (let file = 0; file < files; file++) fsVerityDigest(input.subarray(file * bytes, (file + 1) * bytes), algorithm, options);
      };
      report(`${bytes} bytes, ${label}`, measure(files, round));
    }
  }
}

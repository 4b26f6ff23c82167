import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALGORITHMS, fsVerityDigest } from '../src/index.ts';

const present = spawnSync('fsverity', ['--version']).error === undefined;

it.runIf(process.env['CI'])('fsverity(1) is there', () => expect(present).toBe(true));

describe.skipIf(!present)('fsverity digest', () => {
  // Ends of blocks and levels, and sizes that are no multiple of anything.
  const sizes = [0, 1, 11, 4095, 4096, 4097, 100_003, 262_144, 262_145, 524_288, 524_289, 1_000_003, 16_777_217];

  it.each(ALGORITHMS)('%s: says the same of the same files', (algorithm) => {
    const directory = mkdtempSync(join(tmpdir(), 'cfskit-fs-verity-'));
    try {
      const files = sizes.map((size, index) => ({ path: join(directory, String(size)), content: content(size, index) }));
      for (const file of files) writeFileSync(file.path, file.content);
      const args = ['digest', `--hash-alg=${algorithm}`, '--block-size=4096', '--compact', ...files.map(({ path }) => path)];
      const digests = execFileSync('fsverity', args, { encoding: 'utf8' }).trim().split('\n');
      expect(files.map((file) => fsVerityDigest(file.content, algorithm))).toEqual(digests);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

/** Pseudo-random bytes, others for each seed. */
function content(size: number, seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from({ length: size }, () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 16);
}

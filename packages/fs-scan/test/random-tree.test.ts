import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { dumpLines } from '@cfskit/fs-tree';
import { array, assert, asyncProperty, bigInt, constantFrom, integer, nat, record, uint8Array, type Arbitrary } from 'fast-check';
import { expect, it } from 'vitest';
import { scanDirectory } from '../src/index.ts';
import { useDirectory } from './directory.ts';
import { TwinTrees, type Step } from './twin-trees.ts';

const byteString = (min: number, max: number): Arbitrary<string> =>
  array(integer({ min: 1, max: 255 }), { minLength: min, maxLength: max }).map((codes) => String.fromCharCode(...codes));

const step: Arbitrary<Step> = record({
  kind: constantFrom('directory', 'file', 'file', 'symlink', 'fifo', 'link'),
  name: byteString(1, 12).filter((text) => text !== '.' && text !== '..' && !text.includes('/')),
  parent: nat(),
  source: nat(),
  mode: nat(0o7777),
  mtime: record({ seconds: bigInt({ min: -(2n ** 31n), max: 2n ** 33n }), nanoseconds: nat(999_999_999) }),
  content: uint8Array({ maxLength: 130 }),
  target: byteString(1, 20),
});

const path = useDirectory();

it('scans any tree as it was made', async () => {
  await assert(
    asyncProperty(array(step, { maxLength: 30 }), async (steps) => {
      const directory = mkdtempSync(join(path(), 'tree-'));
      const trees = new TwinTrees(directory);
      steps.forEach((each) => trees.make(each));
      trees.finish();
      const { root } = await scanDirectory(directory, { algorithm: 'sha256', xattrs: false });
      expect([...dumpLines(root)]).toEqual([...dumpLines(trees.root)]);
      execFileSync('rm', ['-rf', directory]);
    }),
    { numRuns: 60 },
  );
});

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { dumpLines, transformForOci } from '@cfskit/fs-tree';
import { describe, expect, it } from 'vitest';
import { scanDirectory } from '../src/index.ts';
import { useDirectory } from './directory.ts';
import { TwinTrees, type Step } from './twin-trees.ts';

// Not in Debian: it runs where somebody has built it.
const hasCfsctl = spawnSync('cfsctl', ['--help']).status === 0;

describe.runIf(hasCfsctl)('cfsctl create-dumpfile', () => {
  const path = useDirectory();

  function theirs(...args: string[]): string[] {
    return execFileSync('cfsctl', ['--no-repo', ...args, path()], { encoding: 'latin1' })
      .trimEnd()
      .split('\n');
  }

  /** Every kind of entry, below `/usr`, and something in `/run`. */
  function fill(): void {
    mkdirSync(join(path(), 'usr'));
    mkdirSync(join(path(), 'run'));
    chmodSync(join(path(), 'usr'), 0o755);
    const kinds: Step['kind'][] = ['directory', 'file', 'symlink', 'fifo', 'link'];
    for (const below of ['usr', 'run']) {
      const trees = new TwinTrees(join(path(), below));
      for (let index = 0; index < 100; index++) trees.make(stepOf(index, kinds.at(index % kinds.length)!));
      trees.finish();
    }
  }

  it.each(['sha256', 'sha512'] as const)('prints the same lines: %s', async (algorithm) => {
    fill();
    const { root } = await scanDirectory(path(), { algorithm });
    expect([...dumpLines(root)]).toEqual(theirs('--hash', algorithm, 'create-dumpfile', '--no-propagate-usr-to-root'));
    transformForOci(root);
    expect([...dumpLines(root)]).toEqual(theirs('--hash', algorithm, 'create-dumpfile'));
  });
});

function stepOf(index: number, kind: Step['kind']): Step {
  return {
    kind,
    name: `${index}\xff ${kind}`,
    parent: index * 7,
    source: index * 3,
    mode: (index * 73) % 0o10000,
    mtime: { seconds: BigInt(index) * 100_000_000n - 1_000_000_000n, nanoseconds: index },
    content: new Uint8Array(index * 3).fill(index),
    target: `../${index}\x80`,
  };
}

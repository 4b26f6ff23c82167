import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { blobPath, withTempDir } from '@cfskit/fixtures';
import { parseDumpfile } from '@cfskit/fs-tree';
import { describe, expect, it } from 'vitest';
import { caseLayout, caseDump, loadCases, needsRoot, observe, withoutOwners, writeCase, type CaseOutcome } from '../src/index.ts';

const cases = loadCases();
const isRoot = process.getuid?.() === 0;

it('has every case once', () => {
  expect(cases.length).toBe(117);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

it('gives a reason wherever umoci answers something else, and only there', () => {
  const differing = cases.filter(({ umoci }) => umoci !== undefined);
  expect(differing.length).toBe(12);
  expect(differing.every(({ why, umoci, expected }) => why !== undefined && umoci !== expected)).toBe(true);
});

/** A linked 0:0 device is no dump that can be read: no image can hold it. */
const readable = cases.filter(({ name, expected }) => typeof expected === 'string' && name !== 'hardlink-device-zero');

it.each(readable)('$name: what is expected is a dump in canonical form', ({ expected }) => {
  expect(caseDump(parseDumpfile(Buffer.from(expected as string, 'latin1')))).toBe(expected);
});

it('makes layouts whose layers can be found', () => {
  for (const one of cases) {
    const files = caseLayout(one);
    const index = JSON.parse(Buffer.from(files['index.json'] ?? '').toString()) as { manifests: { digest: string }[] };
    expect(index.manifests.map(({ digest }) => files[blobPath(digest)] !== undefined)).toEqual([true]);
  }
});

const hasUmoci = spawnSync('umoci', ['--version']).status === 0;
const mustRun = process.env['CI'] !== undefined;

const askable = isRoot ? cases : cases.filter((one) => !needsRoot(one));

describe.runIf(hasUmoci || mustRun)('umoci answers what is recorded', () => {
  it.each(askable)('$name', async (one) => {
    await withTempDir(async (directory) => {
      await writeCase(join(directory, 'layout'), one);
      const args = ['unpack', ...(isRoot ? [] : ['--rootless']), '--image', `${join(directory, 'layout')}:case`, join(directory, 'bundle')];
      const { status } = spawnSync('umoci', args);
      expect(status === 0 ? observe(join(directory, 'bundle/rootfs'), { ignoreOwners: !isRoot }) : 'error').toBe(
        shown(one.umoci ?? one.expected),
      );
      rmSync(join(directory, 'bundle'), { recursive: true });
    });
  });
});

function shown(outcome: CaseOutcome): string {
  if (typeof outcome !== 'string') return 'error';
  return isRoot ? outcome : withoutOwners(outcome);
}

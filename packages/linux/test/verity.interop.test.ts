import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasProgram } from '../src/helper.ts';
import { load, useDirectory } from './means.ts';

const parent = process.env['CFSKIT_TEST_DIR'] ?? tmpdir();
const { enableVerity, measureVerity, probeDirectory } = await load('koffi');
const present = hasProgram('fsverity');

it.runIf(process.env['CI'])('fsverity(1) is there', () => expect(present).toBe(true));

// The file system decides the rest: see CFSKIT_TEST_DIR in verity.test.ts.
describe.skipIf(!present || !probeDirectory(parent, 'sha512').verity)('beside fsverity(1)', () => {
  const directory = useDirectory(parent);

  it.each(['sha256', 'sha512'] as const)('%s: what one enables the other measures', (algorithm) => {
    const [ours, theirs] = [join(directory(), 'ours'), join(directory(), 'theirs')];
    for (const path of [ours, theirs]) writeFileSync(path, Buffer.alloc(600_000, 'content'));
    execFileSync('fsverity', ['enable', `--hash-alg=${algorithm}`, '--block-size=4096', theirs]);
    const [fd, other] = [openSync(ours, 'r'), openSync(theirs, 'r')];
    expect(enableVerity(fd, algorithm)).toBe('enabled');
    const measured = measureVerity(fd);
    expect(measured).toEqual(measureVerity(other));
    expect(execFileSync('fsverity', ['measure', ours], { encoding: 'utf8' })).toBe(
      `${algorithm}:${typeof measured === 'object' ? measured.digest : ''} ${ours}\n`,
    );
    closeSync(fd);
    closeSync(other);
  });
});

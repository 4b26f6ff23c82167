import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ENTRY = fileURLToPath(new URL('children/busy-process.ts', import.meta.url));

it('a process ends with its code and its listeners while its threads make native calls', () => {
  for (let round = 0; round < 3; round++) {
    const { status, signal, stdout } = spawnSync(process.execPath, ['--conditions=source', ENTRY], { encoding: 'utf8' });
    expect({ status, signal, stdout }).toEqual({ status: 130, signal: null, stdout: 'exit 130' });
  }
});

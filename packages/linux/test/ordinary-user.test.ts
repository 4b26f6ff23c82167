import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('./children/ordinary-user.ts', import.meta.url));
const node = ['--conditions=source', script];
const isRoot = process.getuid?.() === 0;
const SETPRIV = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
/** A checkout in root's home cannot be read by others. */
const possible = !isRoot || spawnSync('setpriv', [...SETPRIV, 'test', '-r', script]).status === 0;

it.runIf(possible)('is told what it may not do', () => {
  const [program, args] = isRoot ? ['setpriv', [...SETPRIV, process.execPath, ...node]] : [process.execPath, node];
  const outcomes: unknown = JSON.parse(execFileSync(program, args, { encoding: 'utf8' }));
  expect(outcomes).toEqual({
    uid: 'ordinary',
    device: 'denied',
    fifo: 'made',
    owner: 'denied',
    ownMode: 'changed',
    mode: 'denied',
    times: 'denied',
    capability: 'denied',
    trusted: 'denied',
    seen: 'none',
    listed: true,
    mount: 'EPERM',
    mounts: { means: 'absent', by: 'not permitted' },
  });
});

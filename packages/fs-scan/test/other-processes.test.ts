import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isRoot, useDirectory } from './directory.ts';
import { dump } from './dump.ts';

const script = fileURLToPath(new URL('./children/dump.ts', import.meta.url));
const SETPRIV = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const UNSHARE = isRoot ? ['-m'] : ['-rm'];

describe('a scan in another process', () => {
  const path = useDirectory();

  function run(program: string[], options: object = {}, env: NodeJS.ProcessEnv = {}): string[] {
    const [command, ...args] = [...program, process.execPath, '--conditions=source', script, path(), JSON.stringify(options)];
    return execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } })
      .trimEnd()
      .split('\n');
  }

  it('says without koffi that it cannot read extended attributes, and does without them when told to', async () => {
    for (let index = 0; index < 20; index++) writeFileSync(join(path(), `f${index}`), 'x'.repeat(100 * index));
    symlinkSync('f0', join(path(), 'link'));
    const env = { CFSKIT_NO_KOFFI: '1' };
    expect(run([], {}, env)).toEqual(['UNSUPPORTED extended attributes cannot be read (switched off by CFSKIT_NO_KOFFI=1): /']);
    expect(run([], { xattrs: false }, env)).toEqual(await dump(path(), { xattrs: false }));
  });

  const asNobody = isRoot && spawnSync('setpriv', [...SETPRIV, 'test', '-r', script]).status === 0;
  it.runIf(asNobody)('names what an ordinary user may not read', () => {
    chmodSync(path(), 0o755);
    mkdirSync(join(path(), 'sub'));
    writeFileSync(join(path(), 'sub/secret'), 'x'.repeat(100), { mode: 0o600 });
    expect(run(['setpriv', ...SETPRIV])).toEqual(['UNREADABLE cannot be read (EACCES): /sub/secret']);
    chmodSync(join(path(), 'sub'), 0o700);
    expect(run(['setpriv', ...SETPRIV])).toEqual(['UNREADABLE cannot be read (EACCES): /sub']);
  });

  const canUnshare = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;
  it.runIf(canUnshare)('enters other file systems', () => {
    mkdirSync(join(path(), 'mounted'));
    writeFileSync(join(path(), 'mounted/covered'), '');
    const mounting = `mount -t tmpfs none "$1/mounted" && touch "$1/mounted/inside" && mkdir "$1/mounted/sub" && shift && exec "$@"`;
    const lines = run(['unshare', ...UNSHARE, 'sh', '-c', mounting, 'sh', path()]);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['/', '/mounted', '/mounted/inside', '/mounted/sub']);
  });
});

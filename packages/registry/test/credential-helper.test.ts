import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withTempDir } from '@cfskit/fixtures';
import { describe, expect, it } from 'vitest';
import { credentialFiles, login, logout, logoutAll, type Credentials } from '../src/index.ts';
import { failure } from './support.ts';

interface GetOptions {
  readonly helperTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

interface Helpers {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Put a program `docker-credential-<name>` on PATH. */
  readonly add: (name: string, script: string) => Promise<void>;
  /** Write Docker's configuration. */
  readonly configure: (config: object) => Promise<void>;
  readonly log: () => Promise<string>;
  readonly get: (registry: string, options?: GetOptions) => Promise<Credentials | undefined>;
}

async function withHelpers(work: (helpers: Helpers) => Promise<void>): Promise<void> {
  await withTempDir(async (home) => {
    await mkdir(join(home, 'bin'));
    await mkdir(join(home, '.docker'));
    const env = { PATH: `${join(home, 'bin')}:/usr/bin:/bin`, XDG_RUNTIME_DIR: home, LOG: join(home, 'log') };
    await work({
      home,
      env,
      async add(name, script) {
        const path = join(home, 'bin', `docker-credential-${name}`);
        await writeFile(path, `#!/bin/sh\n${script}\n`);
        await chmod(path, 0o755);
      },
      configure: (config) => writeFile(join(home, '.docker/config.json'), JSON.stringify(config)),
      log: () => readFile(join(home, 'log'), 'utf8'),
      get: (registry, { helperTimeoutMs, signal } = {}) =>
        credentialFiles({ home, env, ...(helperTimeoutMs !== undefined && { helperTimeoutMs }) })(
          { registry },
          signal === undefined ? {} : { signal },
        ),
    });
  });
}

const GIVES = (username: string): string =>
  `echo "$1 $(cat)" >> "$LOG"; echo '{"ServerURL":"x","Username":"${username}","Secret":"s3cret"}'`;
const PASSWORD = { username: 'u', password: 's3cret' };

describe('a helper', () => {
  it('is asked for the registry', async () => {
    await withHelpers(async ({ add, configure, get, log }) => {
      await add('test', GIVES('u'));
      await configure({ credHelpers: { 'ghcr.io': 'test' } });
      expect(await get('ghcr.io')).toEqual(PASSWORD);
      expect(await get('other.example')).toBeUndefined();
      expect(await log()).toBe('get ghcr.io\n');
    });
  });

  it('for one registry comes before its entry, that comes before the helper for all', async () => {
    await withHelpers(async ({ add, configure, get }) => {
      await add('one', GIVES('one'));
      await add('all', GIVES('all'));
      const entry = { auth: Buffer.from('entry:s3cret').toString('base64') };
      await configure({
        auths: { 'a.example': entry, 'b.example': entry, 'c.example': {} },
        credHelpers: { 'a.example': 'one' },
        credsStore: 'all',
      });
      const users = await Promise.all(['a', 'b', 'c', 'd'].map(async (host) => await get(`${host}.example`)));
      expect(users).toEqual(['one', 'entry', 'all', 'all'].map((username) => ({ username, password: 's3cret' })));
    });
  });

  it('knows Docker Hub by the address Docker logs in at', async () => {
    await withHelpers(async ({ add, configure, get, log }) => {
      await add('test', GIVES('u'));
      for (const config of [{ credsStore: 'test' }, { credHelpers: { 'index.docker.io': 'test' } }]) {
        await configure(config);
        expect(await get('docker.io')).toEqual(PASSWORD);
      }
      expect(await log()).toBe('get https://index.docker.io/v1/\n'.repeat(2));
    });
  });

  it('gives an identity token under the name <token>', async () => {
    await withHelpers(async ({ add, configure, get }) => {
      await add('test', GIVES('<token>'));
      await configure({ credsStore: 'test' });
      expect(await get('ghcr.io')).toEqual({ identityToken: 's3cret' });
    });
  });

  it('that has nothing has nothing', async () => {
    await withHelpers(async ({ add, configure, get }) => {
      await add('test', 'echo "credentials not found in native keychain"; exit 1');
      await configure({ credsStore: 'test' });
      expect(await get('ghcr.io')).toBeUndefined();
    });
  });

  it.each([
    ['fails', 'echo "no session bus"; exit 1', 'HELPER_FAILED', /get failed for ghcr\.io: no session bus$/],
    ['fails and says too much', `echo '{"Secret":"s3cret"}'; exit 1`, 'HELPER_FAILED', /get failed for ghcr\.io$/],
    ['says nothing', 'true', 'HELPER_FAILED', /failed/],
    ['gives half an answer', `echo '{"Username":"u","Secret":"s3cret'`, 'HELPER_FAILED', /failed/],
    ['gives no secret', `echo '{"Username":"u"}'`, 'HELPER_FAILED', /failed/],
    ['gives a list', 'echo []', 'HELPER_FAILED', /failed/],
    ['talks without end', 'yes s3cret', 'HELPER_FAILED', /failed/],
    ['is killed', 'kill -9 $$', 'HELPER_FAILED', /failed/],
  ])('that %s', async (_, script, code, message) => {
    await withHelpers(async ({ add, configure, get }) => {
      await add('test', script);
      await configure({ credsStore: 'test' });
      const error = await failure(get('ghcr.io'));
      expect(error).toMatchObject({ name: 'CredentialError', code, path: 'docker-credential-test' });
      expect(error.message).toMatch(message);
      expect(JSON.stringify(error) + error.message).not.toContain('s3cret');
    });
  });

  it('that does not answer is killed', async () => {
    await withHelpers(async ({ add, configure, get }) => {
      await add('test', 'exec sleep 60');
      await configure({ credsStore: 'test' });
      expect(await failure(get('ghcr.io', { helperTimeoutMs: 50 }))).toMatchObject({ code: 'HELPER_TIMEOUT' });
      const controller = new AbortController();
      const asking = failure(get('ghcr.io', { signal: controller.signal }));
      setTimeout(() => controller.abort(new Error('enough')), 20);
      expect((await asking).message).toBe('enough');
    });
  });

  it('that is not there is an error that names it', async () => {
    await withHelpers(async ({ configure, get }) => {
      await configure({ credsStore: 'desktop' });
      const error = await failure(get('ghcr.io'));
      expect(error).toMatchObject({ code: 'HELPER_NOT_FOUND' });
      expect(error.message).toContain('docker-credential-desktop');
    });
  });

  it.each(['../../bin/sh', 'a b', 'x;reboot', '$(reboot)', 'a/b', '\u0000'])('of the name %j is not run', async (name) => {
    await withHelpers(async ({ configure, get }) => {
      await configure({ credHelpers: { 'ghcr.io': name } });
      expect(await failure(get('ghcr.io'))).toMatchObject({ code: 'INVALID_HELPER' });
    });
  });
});

describe('login and logout with a helper', () => {
  const KEEPS = 'echo "$1 $(cat)" >> "$LOG"';

  it('leave the secret to it and out of the file', async () => {
    await withHelpers(async ({ home, env, add, log }) => {
      await add('keep', KEEPS);
      const authFile = join(home, 'auth.json');
      const before = JSON.stringify({ credHelpers: { 'ghcr.io': 'keep' } });
      await writeFile(authFile, before);
      expect(await login('ghcr.io', PASSWORD, { authFile, env })).toEqual({ registry: 'ghcr.io', authFile, helper: 'keep' });
      expect(await logout('ghcr.io', { authFile, env })).toEqual({ registry: 'ghcr.io', authFile, helper: 'keep' });
      expect(await readFile(authFile, 'utf8')).toBe(before);
      expect(await log()).toBe('store {"ServerURL":"ghcr.io","Username":"u","Secret":"s3cret"}\nerase ghcr.io\n');
    });
  });

  it('logoutAll has every helper forget', async () => {
    await withHelpers(async ({ home, env, add, log }) => {
      await add('one', KEEPS);
      await add('all', `if [ "$1" = list ]; then echo '{"https://index.docker.io/v1/":"u","quay.io":"u"}'; else ${KEEPS}; fi`);
      const authFile = join(home, 'auth.json');
      await writeFile(authFile, JSON.stringify({ credHelpers: { 'ghcr.io': 'one' }, credsStore: 'all' }));
      expect(await logoutAll({ authFile, env })).toEqual(['docker.io', 'ghcr.io', 'quay.io']);
      expect(await log()).toBe('erase ghcr.io\nerase https://index.docker.io/v1/\nerase quay.io\n');
    });
  });

  it('that refuses does not repeat what it was given', async () => {
    await withHelpers(async ({ home, env, add }) => {
      await add('keep', 'cat; exit 1');
      const authFile = join(home, 'auth.json');
      await writeFile(authFile, JSON.stringify({ credsStore: 'keep' }));
      const error = await failure(login('ghcr.io', PASSWORD, { authFile, env }));
      expect(error).toMatchObject({ code: 'HELPER_FAILED' });
      expect(error.message).not.toContain('s3cret');
      expect(await failure(logoutAll({ authFile, env }))).toMatchObject({ code: 'HELPER_FAILED' });
      expect(await failure(logout('ghcr.io', { authFile, env }))).toMatchObject({ code: 'HELPER_FAILED' });
    });
  });
});

import { chmod, mkdir, readFile, readdir, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withTempDir } from '@cfskit/fixtures';
import { describe, expect, it } from 'vitest';
import { authFilePaths } from '../src/auth-file-store.ts';
import { credentialFiles, login, logout, logoutAll, type CredentialTarget } from '../src/index.ts';
import { failure } from './support.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const auth = (text: string) => ({ auth: base64(text) });

/** Looks up with these files below an empty home. */
async function lookUp(files: Readonly<Record<string, unknown>>, target: CredentialTarget, more: Readonly<Record<string, string>> = {}) {
  return await withTempDir(async (home) => {
    await put(home, files);
    const env = Object.fromEntries(Object.entries({ XDG_RUNTIME_DIR: 'run', ...more }).map(([key, path]) => [key, join(home, path)]));
    return await credentialFiles({ home, env })(target, {});
  });
}

async function put(home: string, files: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
}

const DOCKER = '.docker/config.json';
const inDocker = (auths: unknown): Readonly<Record<string, unknown>> => ({ [DOCKER]: { auths } });
const ghcr = (repository?: string): CredentialTarget => ({ registry: 'ghcr.io', ...(repository !== undefined && { repository }) });
const found = (username: string) => ({ username, password: 'p' });

describe('credentialFiles', () => {
  it('looks in the order of containers-auth.json(5)', async () => {
    const files: Record<string, unknown> = {
      'run/containers/auth.json': { auths: { 'ghcr.io': auth('runtime:p') } },
      '.config/containers/auth.json': { auths: { 'ghcr.io': auth('config:p') } },
      [DOCKER]: { auths: { 'ghcr.io': auth('docker:p') } },
      '.dockercfg': { 'ghcr.io': auth('dockercfg:p') },
    };
    const order: unknown[] = [];
    for (const path of ['', ...Object.keys(files)]) {
      delete files[path];
      order.push(await lookUp(files, ghcr()));
    }
    expect(order).toEqual([found('runtime'), found('config'), found('docker'), found('dockercfg'), undefined]);
  });

  it('prefers the file that is given, then that of the environment, and goes on where they have nothing', async () => {
    await withTempDir(async (home) => {
      await put(home, {
        a: { auths: { 'a.example': auth('a:p') } },
        b: { auths: { 'a.example': auth('b:p'), 'b.example': auth('b:p') } },
        [DOCKER]: { auths: { 'c.example': auth('c:p') } },
      });
      const provider = credentialFiles({
        authFile: join(home, 'a'),
        home,
        env: { REGISTRY_AUTH_FILE: join(home, 'b'), XDG_RUNTIME_DIR: home },
      });
      const users = await Promise.all(['a', 'b', 'c'].map((host) => provider({ registry: `${host}.example` }, {})));
      expect(users).toEqual([found('a'), found('b'), found('c')]);
    });
  });

  it('finds the directories of the environment', async () => {
    const files = {
      'x/containers/auth.json': { auths: { 'a.example': auth('x:p') } },
      'd/config.json': { auths: { 'b.example': auth('d:p') } },
    };
    const env = { XDG_CONFIG_HOME: 'x', DOCKER_CONFIG: 'd' };
    expect(await lookUp(files, { registry: 'a.example' }, env)).toEqual(found('x'));
    expect(await lookUp(files, { registry: 'b.example' }, env)).toEqual(found('d'));
  });

  it('wants the file that was asked for', async () => {
    const error = await failure(credentialFiles({ authFile: '/nonexistent/auth.json', env: {} })(ghcr(), {}));
    expect(error).toMatchObject({ code: 'AUTH_FILE_ACCESS', path: '/nonexistent/auth.json' });
  });

  it.each([
    ['the most specific entry', ghcr('org/team/image'), found('image')],
    ['that of a namespace', ghcr('org/team/other'), found('team')],
    ['that of the outer namespace', ghcr('org/x'), found('org')],
    ['that of the registry', ghcr('x/y'), found('host')],
    ['that of the registry for the registry', ghcr(), found('host')],
    ['none for another', { registry: 'ghcr.io:5000' }, undefined],
    ['none for a name that begins alike', ghcr('organisation/x'), found('host')],
  ])('takes %s', async (_, target, expected) => {
    const auths = {
      'ghcr.io': auth('host:p'),
      'ghcr.io/org': auth('org:p'),
      'ghcr.io/org/team': auth('team:p'),
      'ghcr.io/org/team/image': auth('image:p'),
    };
    expect(await lookUp(inDocker(auths), target)).toEqual(expected);
  });

  it.each(['https://ghcr.io', 'https://ghcr.io/v1/', 'https://ghcr.io/v2/', 'http://ghcr.io'])('knows %s as ghcr.io', async (key) => {
    expect(await lookUp(inDocker({ [key]: auth('u:p') }), ghcr('a'))).toEqual(found('u'));
    expect(await lookUp(inDocker({ [key]: auth('u:p'), 'ghcr.io': auth('exact:p') }), ghcr('a'))).toEqual(found('exact'));
  });

  it.each(['docker.io', 'https://index.docker.io/v1/', 'index.docker.io', 'https://registry-1.docker.io/v2/', 'docker.io/library'])(
    'knows %s as Docker Hub',
    async (key) => {
      expect(await lookUp(inDocker({ [key]: auth('u:p') }), { registry: 'docker.io', repository: 'library/alpine' })).toEqual(found('u'));
      expect(await lookUp(inDocker({ [key]: auth('u:p') }), ghcr('library/alpine'))).toBeUndefined();
    },
  );

  it.each([
    ['a password with colons', auth('u:p:q:'), { username: 'u', password: 'p:q:' }],
    ['letters of the world', auth('ü:ß'), { username: 'ü', password: 'ß' }],
    ['zero bytes at the end', auth('u:p\0\0'), found('u')],
    ['an empty password', auth('u:'), { username: 'u', password: '' }],
    ['name and password in clear', { username: 'u', password: 'p' }, found('u')],
    ['an identity token', { auth: base64('00000000-0000-0000-0000-000000000000:'), identitytoken: 't' }, { identityToken: 't' }],
    ['a registry token', { registrytoken: 't' }, { registryToken: 't' }],
    ['nothing', {}, undefined],
    ['something for others', { email: 'a@b' }, undefined],
    ['an inherited member', JSON.parse('{"__proto__":{"auth":"dTpw"}}'), undefined],
  ])('reads %s', async (_, entry, expected) => {
    expect(await lookUp(inDocker({ 'ghcr.io': entry }), ghcr())).toEqual(expected);
  });

  it('takes no names of Object for registries', async () => {
    for (const registry of ['constructor', '__proto__', 'toString']) {
      expect(await lookUp({ [DOCKER]: { auths: {}, credHelpers: {} } }, { registry })).toBeUndefined();
    }
  });

  it.each([
    ['no JSON', '{"auths":{"ghcr.io":{"auth":"c2VjcmV0"'],
    ['a list', '[]'],
    ['auths that are a list', '{"auths":["c2VjcmV0"]}'],
    ['helpers that are text', '{"credHelpers":"c2VjcmV0"}'],
    ['an entry that is text', '{"auths":{"ghcr.io":"c2VjcmV0"}}'],
    ['an entry without colon', '{"auths":{"ghcr.io":{"auth":"c2VjcmV0"}}}'],
    ['an entry without user', `{"auths":{"ghcr.io":{"auth":"${base64(':c2VjcmV0')}"}}}`],
    ['an entry that is no base64', '{"auths":{"ghcr.io":{"auth":"c2VjcmV0:&&&"}}}'],
  ])('refuses %s, and tells nothing of it', async (_, text) => {
    const error = await failure(lookUp({ [DOCKER]: text }, ghcr()));
    expect(error).toMatchObject({
      name: 'CredentialError',
      code: 'INVALID_AUTH_FILE',
      path: expect.stringMatching(/config\.json$/) as unknown,
    });
    expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toMatch(/c2VjcmV0|secret/);
  });

  it('is not stopped by a file that is empty, nor by a directory it may not enter', async () => {
    expect(await lookUp({ 'run/containers/auth.json': '', ...inDocker({ 'ghcr.io': auth('u:p') }) }, ghcr())).toEqual(found('u'));
    expect(await lookUp({ run: 'a file', ...inDocker({ 'ghcr.io': auth('u:p') }) }, ghcr())).toEqual(found('u'));
  });
});

it('authFilePaths names the directory of the user where there is none of the session', () => {
  const first = authFilePaths({ env: {}, home: '/h/x' }).at(0);
  const expected = process.platform === 'linux' ? `/run/containers/${process.getuid!()}/auth.json` : '/h/x/.config/containers/auth.json';
  expect(first?.path).toBe(expected);
});

const ALICE = { username: 'alice', password: 'correct horse' };

describe('login', () => {
  it('writes what podman reads, for the user alone', async () => {
    await withTempDir(async (home) => {
      const authFile = join(home, 'new/auth.json');
      expect(await login('ghcr.io', ALICE, { authFile })).toEqual({ registry: 'ghcr.io', authFile });
      expect(JSON.parse(await readFile(authFile, 'utf8'))).toEqual({ auths: { 'ghcr.io': auth('alice:correct horse') } });
      expect((await stat(authFile)).mode & 0o777).toBe(0o600);
      expect((await stat(dirname(authFile))).mode & 0o777).toBe(0o700);
      expect(await readdir(dirname(authFile))).toEqual(['auth.json']);
      expect(await credentialFiles({ authFile })(ghcr('a/b'), {})).toEqual(ALICE);
    });
  });

  it('keeps everything else that is in the file, and takes rights away that were too wide', async () => {
    await withTempDir(async (home) => {
      const authFile = join(home, 'config.json');
      const before = {
        HttpHeaders: { a: 'b' },
        auths: { 'a.example': auth('a:p'), 'ghcr.io/org': auth('o:p'), 'https://ghcr.io/v1/': auth('old:p') },
        credHelpers: { 'b.example': 'x' },
      };
      await put(home, { 'config.json': before });
      await chmod(authFile, 0o644);
      await login('https://ghcr.io/', ALICE, { authFile });
      expect(JSON.parse(await readFile(authFile, 'utf8'))).toEqual({
        ...before,
        auths: { 'a.example': auth('a:p'), 'ghcr.io/org': auth('o:p'), 'ghcr.io': auth('alice:correct horse') },
      });
      expect((await stat(authFile)).mode & 0o777).toBe(0o600);
    });
  });

  it('replaces the file that a link leads to, not the link', async () => {
    await withTempDir(async (home) => {
      await put(home, { 'dotfiles/auth.json': {} });
      await symlink('dotfiles/auth.json', join(home, 'auth.json'));
      await login('ghcr.io', ALICE, { authFile: join(home, 'auth.json') });
      expect(await readlink(join(home, 'auth.json'))).toBe('dotfiles/auth.json');
      expect(await readFile(join(home, 'dotfiles/auth.json'), 'utf8')).toContain('ghcr.io');
    });
  });

  it.each([
    ['docker.io', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['localhost:5000', 'localhost:5000'],
    ['http://10.0.0.1:5000/', '10.0.0.1:5000'],
  ])('keeps %s as %s', async (registry, key) => {
    await withTempDir(async (home) => {
      const authFile = join(home, 'auth.json');
      expect((await login(registry, ALICE, { authFile })).registry).toBe(key);
      expect(Object.keys((JSON.parse(await readFile(authFile, 'utf8')) as { readonly auths: object }).auths)).toEqual([key]);
    });
  });

  it('writes where REGISTRY_AUTH_FILE says', async () => {
    await withTempDir(async (home) => {
      const { authFile } = await login('ghcr.io', ALICE, { home, env: { REGISTRY_AUTH_FILE: join(home, 'x.json') } });
      expect(authFile).toBe(join(home, 'x.json'));
      expect((await login('ghcr.io', ALICE, { home, env: { XDG_RUNTIME_DIR: home } })).authFile).toBe(join(home, 'containers/auth.json'));
    });
  });

  it.each([
    ['no registry', 'ghcr', ALICE, 'INVALID_REGISTRY'],
    ['a repository', 'ghcr.io/a/b', ALICE, 'INVALID_REGISTRY'],
    ['a user with a colon', 'ghcr.io', { username: 'a:b', password: 'p' }, 'INVALID_LOGIN'],
    ['a user with a line end', 'ghcr.io', { username: 'a\nb', password: 'p' }, 'INVALID_LOGIN'],
    ['no user', 'ghcr.io', { username: '', password: 'p' }, 'INVALID_LOGIN'],
    ['no password', 'ghcr.io', { username: 'u', password: '' }, 'INVALID_LOGIN'],
  ])('refuses %s', async (_, registry, credentials, code) => {
    expect(await failure(login(registry, credentials, { authFile: '/nonexistent/x' }))).toMatchObject({ code });
  });

  it('changes nothing in a file it cannot read', async () => {
    await withTempDir(async (home) => {
      const authFile = join(home, 'auth.json');
      await writeFile(authFile, '{"auths":');
      expect(await failure(login('ghcr.io', ALICE, { authFile }))).toMatchObject({ code: 'INVALID_AUTH_FILE' });
      expect(await readFile(authFile, 'utf8')).toBe('{"auths":');
      await mkdir(join(home, 'directory'));
      expect(await failure(login('ghcr.io', ALICE, { authFile: join(home, 'directory') }))).toMatchObject({ code: 'AUTH_FILE_ACCESS' });
      expect(await failure(login('ghcr.io', ALICE, { authFile: join(home, 'auth.json/x') }))).toMatchObject({ code: 'AUTH_FILE_ACCESS' });
    });
  });
});

describe('logout', () => {
  it('forgets a registry in every form, and nothing else', async () => {
    await withTempDir(async (home) => {
      const authFile = join(home, 'auth.json');
      await put(home, {
        'auth.json': {
          auths: {
            'docker.io': auth('a:p'),
            'https://index.docker.io/v1/': auth('b:p'),
            'docker.io/org': auth('c:p'),
            'ghcr.io': auth('d:p'),
          },
          x: 1,
        },
      });
      await logout('docker.io', { authFile });
      expect(JSON.parse(await readFile(authFile, 'utf8'))).toEqual({
        auths: { 'docker.io/org': auth('c:p'), 'ghcr.io': auth('d:p') },
        x: 1,
      });
      expect(await failure(logout('docker.io', { authFile }))).toMatchObject({ code: 'NOT_LOGGED_IN' });
      expect(await failure(logout('docker.io', { authFile: join(home, 'other.json') }))).toMatchObject({ code: 'NOT_LOGGED_IN' });
    });
  });

  it('forgets all', async () => {
    await withTempDir(async (home) => {
      const authFile = join(home, 'auth.json');
      await put(home, {
        'auth.json': { auths: { 'https://index.docker.io/v1/': auth('b:p'), 'ghcr.io/org': auth('c:p'), 'a.example': auth('d:p') }, x: 1 },
      });
      expect(await logoutAll({ authFile })).toEqual(['a.example', 'docker.io', 'ghcr.io/org']);
      expect(JSON.parse(await readFile(authFile, 'utf8'))).toEqual({ auths: {}, x: 1 });
      expect(await logoutAll({ authFile: join(home, 'none') })).toEqual([]);
    });
  });
});

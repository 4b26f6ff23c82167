import { stat, readFile, readdir, writeFile } from 'node:fs/promises';
import { startTestRegistry, type TestRegistry } from '@cfskit/registry/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';

const path = scratch();
const AUTH = Buffer.from('alice:correct horse').toString('base64');
let registry: TestRegistry;
let name = '';
beforeAll(async () => {
  registry = await startTestRegistry({ login: { scheme: 'basic', username: 'alice', password: 'correct horse' } });
  name = registry.registry;
});
afterAll(() => registry.close());

const world = (stdin = ''): object => ({
  cwd: path(),
  env: { HOME: path('home'), XDG_RUNTIME_DIR: path('run') },
  stdin: [Buffer.from(stdin)],
});

it('keeps what the registry accepts, where the tools of containers look for it, for nobody else to read', async () => {
  expect(await ok(['login', name, '-u', 'alice', '--password-stdin'], world('correct horse\n'))).toBe('Login succeeded\n');
  const file = path('run/containers/auth.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ auths: { [name]: { auth: AUTH } } });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await ok(['logout', name], world())).toBe(`Removed login for ${name}\n`);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ auths: {} });
  expect(await failure(['logout', name], world())).toMatchObject({ code: 1, error: { code: 'NOT_LOGGED_IN' } });
});

it('writes --authfile, leaves what else is in it, and says so in JSON', async () => {
  await writeFile(path('auth.json'), JSON.stringify({ auths: { 'other.example': { auth: AUTH } }, more: 1 }));
  const argv = ['login', `http://${name}/`, '--username=alice', '-p', 'correct horse', '--authfile=auth.json'];
  expect(await json('login', argv, world())).toEqual({ registry: name, authfile: path('auth.json') });
  expect(JSON.parse(await readFile(path('auth.json'), 'utf8'))).toEqual({
    auths: { 'other.example': { auth: AUTH }, [name]: { auth: AUTH } },
    more: 1,
  });
  expect(await json('logout', ['logout', '--all', '--authfile', path('auth.json')], world())).toEqual({
    removed: [name, 'other.example'].toSorted(),
  });
  expect(JSON.parse(await readFile(path('auth.json'), 'utf8'))).toEqual({ auths: {}, more: 1 });
  expect(await ok(['logout', '--all', '--authfile', path('none.json')], world())).toBe('');
});

it('keeps nothing that the registry refuses, and never shows a password', async () => {
  const ended = await run(['login', name, '-u', 'alice', '-p', 'wrong secret', '--authfile=refused.json', '-vv'], world());
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).not.toContain('wrong secret');
  expect(ended.stderr).not.toContain(Buffer.from('alice:wrong secret').toString('base64'));
  expect(await readdir(path())).not.toContain('refused.json');
});

it.each([
  [['login', 'a.b'], 'missing --username'],
  [['login', 'a.b', '-u', 'a:b', '-p', 'x'], '--username: wanted a name without colon'],
  [['login', 'a.b', '-u', 'x'], 'missing --password-stdin or --password'],
  [['login', 'a.b', '-u', 'x', '-p', 'x', '--password-stdin'], 'exclude each other'],
  [['login', 'a.b', '-u', 'x', '--password-stdin'], 'the password is empty'],
  [['login', 'a.b/c', '-u', 'x', '-p', 'x'], 'REGISTRY: '],
  [['login', 'a b', '-u', 'x', '-p', 'x'], 'REGISTRY: '],
  [['logout'], 'missing REGISTRY or --all'],
  [['logout', 'a.b', '--all'], 'exclude each other'],
])('%j is wrong usage', async (argv, message) => {
  const ended = await run(argv, world());
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});

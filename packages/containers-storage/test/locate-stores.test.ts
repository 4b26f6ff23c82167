import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { storePlaces } from '../src/locate-stores.ts';
import { parseStorageConf } from '../src/storage-conf.ts';
import { scratch } from './scratch.ts';

const next = scratch();
const NOWHERE = '/nonexistent/storage.conf';

function roots(spec: string | undefined, env: Record<string, string>, isRootless = true): readonly string[] {
  return storePlaces(spec, { env: { CONTAINERS_STORAGE_CONF: NOWHERE, ...env }, cwd: '/work dir', isRootless }).map(
    ({ root, driver }) => `${driver ?? '?'}@${root}`,
  );
}

function conf(text: string): string {
  const path = join(next(), 'storage.conf');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

it('looks in the usual places, in their order', () => {
  const env = {
    CONTAINERS_STORAGE_ROOT: '/first',
    XDG_DATA_HOME: '/data',
    HOME: '/users/u',
    STORAGE_OPTS: 'x=y,additionalimagestore=/more,overlay.imagestore=/images',
  };
  expect(roots(undefined, env)).toEqual([
    '?@/first',
    '?@/data/containers/storage',
    '?@/users/u/.local/share/containers/storage',
    '?@/var/lib/containers/storage',
    '?@/more',
    '?@/images',
  ]);
});

it('does not look in the data directory of nobody', () => {
  expect(roots(undefined, { XDG_DATA_HOME: '/data' })).toEqual(['?@/var/lib/containers/storage']);
});

it.each([
  ['/g', ['?@/g']],
  ['vfs@/g', ['vfs@/g']],
  ['overlay@/g+/r', ['overlay@/g']],
  ['/g+/r:overlay.mountopt=nodev,additionalimagestore=/ro', ['?@/g', '?@/ro']],
  ['rel/ative', ['?@/work dir/rel/ative']],
])('looks where a reference says, [%s]', (spec, expected) => {
  expect(roots(spec, { HOME: '/users/u', CONTAINERS_STORAGE_ROOT: '/first' })).toEqual(expected);
});

it('takes the driver of a reference for the usual places, too', () => {
  expect(roots('vfs@', { CONTAINERS_STORAGE_ROOT: '/first' })).toEqual(['vfs@/first', 'vfs@/var/lib/containers/storage']);
});

it('reads storage.conf: another one for root than for users', () => {
  const text = [
    '[storage] # where',
    "driver = 'vfs'",
    'graphroot = "/graph \\"root\\"" # not "this"',
    'rootless_storage_path = "$HOME/mine"',
    '[storage.options]',
    'additionalimagestores = [',
    '  "/ro/one", # of the cluster',
    '  "/ro/two",',
    ']',
    'size = ""',
    '[storage.options.overlay]',
    'graphroot = "/not this"',
  ].join('\n');
  const env = { CONTAINERS_STORAGE_CONF: conf(text), HOME: '/users/u' };
  const rest = ['?@/users/u/.local/share/containers/storage', '?@/var/lib/containers/storage', '?@/ro/one', '?@/ro/two'];
  expect(roots(undefined, env, false)).toEqual(['vfs@/graph "root"', ...rest]);
  expect(roots(undefined, env, true)).toEqual(['vfs@/users/u/mine', ...rest]);
});

it('passes over what it does not know in storage.conf', () => {
  expect(parseStorageConf('= = [\n[[x]]\n"a\n[storage]\ngraphroot = 7\ndriver = ""\n')).toEqual({ imageStores: [] });
});

it('finds the storage.conf of a user', () => {
  const config = next();
  mkdirSync(join(config, 'containers'), { recursive: true });
  writeFileSync(join(config, 'containers/storage.conf'), '[storage]\nrootless_storage_path = "/mine"\n');
  const env = { CONTAINERS_STORAGE_CONF: '', XDG_CONFIG_HOME: config };
  expect(roots(undefined, env)).toContain('?@/mine');
});

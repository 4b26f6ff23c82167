import { expect, it } from 'vitest';
import { repositoryLocation, type LocationValues } from '../src/repository-location.ts';

const nothing: LocationValues = { repo: undefined, user: false, system: false, 'no-repo': false };
const user = { env: { HOME: '/home/me' }, cwd: '/work dir', userId: 1000 };
const root = { ...user, userId: 0 };
const fromEnv = { ...user, env: { HOME: '/home/me', CFSKIT_REPO: 'env' } };

it.each([
  [{}, user, '/home/me/.var/lib/composefs'],
  [{}, root, '/sysroot/composefs'],
  [{ user: true }, root, '/home/me/.var/lib/composefs'],
  [{ system: true }, user, '/sysroot/composefs'],
  [{ repo: 'here' }, user, '/work dir/here'],
  [{ repo: '/there/' }, user, '/there'],
  [{}, fromEnv, '/work dir/env'],
  [{ repo: 'here' }, fromEnv, '/work dir/here'],
  [{ system: true }, fromEnv, '/sysroot/composefs'],
  [{}, { ...fromEnv, userId: 0 }, '/work dir/env'],
  [{}, { ...user, userId: undefined }, '/home/me/.var/lib/composefs'],
])('%j in %j is %s', (values, world, path) => {
  expect(repositoryLocation({ ...nothing, ...values }, world)).toBe(path);
});

it.each([
  [{ 'no-repo': true }, user],
  [{ repo: '' }, user],
  [{}, { ...user, env: {} }],
  [{ user: true }, { ...root, env: { HOME: '' } }],
])('%j in %j is wrong usage', (values, world) => {
  expect(() => repositoryLocation({ ...nothing, ...values }, world)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

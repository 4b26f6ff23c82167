import { expect, it } from 'vitest';
import { repositoryLocation, type LocationValues } from '../../src/images/repository-location.ts';

const nothing: LocationValues = { repo: undefined, user: false, system: false, 'no-repo': false };
const user = { env: { HOME: '/users/me' }, cwd: '/some dir', userId: 1000 };
const root = { ...user, userId: 0 };
const fromEnv = { ...user, env: { HOME: '/users/me', CFSKIT_REPO: 'env' } };

it.each([
  [{}, user, '/users/me/.var/lib/composefs'],
  [{}, root, '/sysroot/composefs'],
  [{ user: true }, root, '/users/me/.var/lib/composefs'],
  [{ system: true }, user, '/sysroot/composefs'],
  [{ repo: 'here' }, user, '/some dir/here'],
  [{ repo: '/there/' }, user, '/there'],
  [{}, fromEnv, '/some dir/env'],
  [{ repo: 'here' }, fromEnv, '/some dir/here'],
  [{ system: true }, fromEnv, '/sysroot/composefs'],
  [{}, { ...fromEnv, userId: 0 }, '/some dir/env'],
  [{}, { ...user, userId: undefined }, '/users/me/.var/lib/composefs'],
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

import { describe, expect, it } from 'vitest';
import { checkContentId, checkRefName } from '../src/index.ts';
import { checkRefPrefix } from '../src/names.ts';

const invalid = expect.objectContaining({ name: 'RepositoryError', code: 'INVALID_NAME' }) as Error;

describe('content ids', () => {
  it.each(['x', 'oci-layer-sha256:00', 'ostree-commit-00', '..x', 'ü', 'refs2', 'x'.repeat(255)])('accepts %s', (name) => {
    expect(() => checkContentId(name)).not.toThrow();
  });
  it.each(['', '.', '..', 'refs', 'a/b', '/', 'a\0b', '\ud800', 'x'.repeat(256), 'ü'.repeat(128)])('refuses %j', (name) => {
    expect(() => checkContentId(name)).toThrow(invalid);
  });
});

describe('reference names', () => {
  it.each(['x', 'oci/docker:%2F%2Fbusybox', 'a/b/c', 'refs', '...'])('accepts %s', (name) => {
    expect(() => checkRefName(name)).not.toThrow();
  });
  it.each(['', '/', 'a/', '/a', 'a//b', '.', '..', 'a/../b', './a', 'a\0b', 'a/\udc00', `a/${'x'.repeat(256)}`])('refuses %j', (name) => {
    expect(() => checkRefName(name)).toThrow(invalid);
  });
});

describe('prefixes', () => {
  it.each(['', 'oci', 'oci/', 'a/b'])('accepts %j', (prefix) => {
    expect(() => checkRefPrefix(prefix)).not.toThrow();
  });
  it.each(['/', '..', 'a//', '../'])('refuses %j', (prefix) => {
    expect(() => checkRefPrefix(prefix)).toThrow(invalid);
  });
});

import { describe, expect, it } from 'vitest';
import { errnoName } from '../src/errno.ts';
import { hasCode, LinuxError, systemError } from '../src/errors.ts';

describe('errnoName', () => {
  it.each([
    [2, 'ENOENT'],
    [11, 'EAGAIN'], // also EWOULDBLOCK
    [15, 'ENOTBLK'], // not in Node's tables
    [26, 'ETXTBSY'],
    [61, 'ENODATA'],
    [65, 'ENOPKG'], // not in Node's tables
    [95, 'ENOTSUP'], // also EOPNOTSUPP
    [129, 'EKEYREJECTED'], // not in Node's tables
    [2000, 'EUNKNOWN'],
  ])('%i is %s', (errno, name) => {
    expect(errnoName(errno).name).toBe(name);
    expect(errnoName(errno).text).not.toBe('');
  });
});

describe('LinuxError', () => {
  it('has the members of a system error of Node', () => {
    const error = systemError('linkat', 18, '/a/b');
    expect(error).toMatchObject({ name: 'LinuxError', code: 'EXDEV', errno: -18, syscall: 'linkat', path: '/a/b' });
    expect(error.message).toBe("EXDEV: cross-device link not permitted, linkat '/a/b'");
    expect(error.stack).toMatch(/^LinuxError: EXDEV/);
  });

  it('does without errno and path', () => {
    const cause = new Error('why');
    const error = new LinuxError('UNSUPPORTED', 'flock', 'no means', { cause });
    expect(error).toMatchObject({ errno: undefined, path: undefined, cause });
    expect(error.message).toBe('UNSUPPORTED: no means, flock');
    expect('cause' in systemError('flock', 9)).toBe(false);
  });
});

describe('hasCode', () => {
  it('takes only errors with one of the codes', () => {
    expect(hasCode(systemError('flock', 9), 'EIO', 'EBADF')).toBe(true);
    expect(hasCode(systemError('flock', 9), 'EIO')).toBe(false);
    expect(hasCode(new Error('no code'), 'EIO')).toBe(false);
    expect(hasCode({ code: 'EIO' }, 'EIO')).toBe(false);
  });
});

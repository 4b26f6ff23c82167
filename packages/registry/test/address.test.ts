import { describe, expect, it } from 'vitest';
import { addressKind, isLoopback } from '../src/address.ts';

describe('addressKind', () => {
  it.each([
    ['localhost', 'loopback'],
    ['127.0.0.1', 'loopback'],
    ['127.255.0.9', 'loopback'],
    ['0x7f.1', 'loopback'],
    ['2130706433', 'loopback'],
    ['[::1]', 'loopback'],
    ['[::ffff:127.0.0.1]', 'loopback'],
    ['localhost.example.com', 'name'],
    ['127.0.0.1.example.com', 'name'],
    ['localhost.', 'name'],
    ['ghcr.io', 'name'],
    ['169.254.169.254', 'link-local'],
    ['[fe80::1]', 'link-local'],
    ['10.0.0.1', 'private'],
    ['172.31.0.1', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'private'],
    ['100.100.100.200', 'private'],
    ['[fd12::1]', 'private'],
    ['0.0.0.0', 'unspecified'],
    ['[::]', 'unspecified'],
    ['8.8.8.8', 'public'],
    ['[2001:4860::1]', 'public'],
  ])('%s is %s', (host, kind) => {
    expect(addressKind(new URL(`https://${host}/`))).toBe(kind);
    expect(isLoopback(new URL(`https://${host}:5000/`))).toBe(kind === 'loopback');
  });
});

import { describe, expect, it } from 'vitest';
import { decodeHeader, detectGeneration, encodeHeader, header, oldHeader } from '../src/header.ts';
import { decodeInfo, encodeInfo, info } from '../src/info.ts';
import { bytes } from './support.ts';

const CURRENT = '53706c697453747265616d 00 0000 01 0c 2000000000000000 7000000000000000';
const OLD = '2000000000000000 7000000000000000 0000 53706c697453747265616d 00 01 0c';
const range = { start: 32n, end: 112n };

it('the header has the layout of the format', () => {
  expect(header.size).toBe(32);
  expect(header.offsets).toEqual({ magic: 0, version: 11, flags: 12, algorithm: 14, logBlockSize: 15, info: 16 });
});

it('the header of the generation before has its layout', () => {
  expect(oldHeader.size).toBe(32);
  expect(oldHeader.offsets).toEqual({ info: 0, flags: 16, magic: 18, version: 29, algorithm: 30, logBlockSize: 31 });
});

it('the info section has the layout of the format', () => {
  expect(info.size).toBe(80);
  expect(info.offsets).toEqual({ streamRefs: 0, objectRefs: 16, stream: 32, namedRefs: 48, contentType: 64, streamSize: 72 });
});

it('a header is written and read', () => {
  expect(Buffer.from(encodeHeader('sha256', range)).toString('hex')).toBe(CURRENT.replaceAll(' ', ''));
  expect(decodeHeader(bytes(CURRENT), 'sha256')).toEqual({ generation: 'current', info: range });
  expect(decodeHeader(bytes(OLD), 'sha256')).toEqual({ generation: 'old-header', info: range });
  expect(encodeHeader('sha512', range)[14]).toBe(2);
});

it('an info section is written and read', () => {
  const value = {
    streamRefs: range,
    objectRefs: range,
    stream: range,
    namedRefs: range,
    contentType: 2n ** 64n - 1n,
    streamSize: 2 ** 53 - 1,
  };
  expect(decodeInfo(encodeInfo(value))).toEqual(value);
});

it.each([
  [2 ** 53, 'OUT_OF_RANGE'],
  [79, 'TRUNCATED'],
])('an info section is refused: %d', (what) => {
  const section = what === 79 ? new Uint8Array(79) : new Uint8Array(80).fill(0xff, 72);
  expect(() => decodeInfo(section)).toThrow(
    expect.objectContaining({ code: 'BAD_INFO', message: expect.stringMatching(/^Error reading splitstream metadata: /) }),
  );
});

describe('detectGeneration', () => {
  it.each([
    [CURRENT, 'current'],
    [OLD, 'old-header'],
    ['28b52ffd', 'digest-map'],
    ['28b52ffd 0058410000', 'digest-map'],
    ['28b52f', 'unknown'],
    ['', 'unknown'],
    [OLD.slice(0, 60), 'unknown'],
    ['1f8b0800' + '00'.repeat(28), 'unknown'],
    ['00'.repeat(32), 'unknown'],
  ])('%s is %s', (hex, generation) => {
    expect(detectGeneration(bytes(hex))).toBe(generation);
  });
});

describe('refused headers', () => {
  it.each([
    ['', 'TRUNCATED_HEADER', /^Error reading splitstream header: wanted 32 bytes, found 0/],
    [CURRENT.slice(0, -2), 'TRUNCATED_HEADER', /found 31/],
    ['00'.repeat(32), 'BAD_MAGIC', /^Invalid splitstream header magic value$/],
    [CURRENT.replace('00 0000', '02 0000'), 'UNSUPPORTED_VERSION', /^Invalid splitstream version 2$/],
    [OLD.replace('616d 00', '616d ff'), 'UNSUPPORTED_VERSION', /^Invalid splitstream version 255$/],
    [CURRENT.replace('01 0c', '03 0c'), 'ALGORITHM_MISMATCH', /^Invalid splitstream fs-verity algorithm type$/],
    [OLD.replace('01 0c', '02 0c'), 'ALGORITHM_MISMATCH', /^Invalid splitstream fs-verity algorithm type$/],
    [CURRENT.replace('01 0c', '01 10'), 'UNSUPPORTED_BLOCK_SIZE', /^Invalid splitstream fs-verity block size$/],
    // in the order of the reference: version, algorithm, block size
    [CURRENT.replace('00 0000 01 0c', '09 0000 07 01'), 'UNSUPPORTED_VERSION', /9/],
    [CURRENT.replace('01 0c', '07 01'), 'ALGORITHM_MISMATCH', /algorithm/],
  ])('%s: %s', (hex, code, message) => {
    const refused = (): unknown => decodeHeader(bytes(hex), 'sha256');
    expect(refused).toThrow(expect.objectContaining({ code }));
    expect(refused).toThrow(message);
  });
});

import { describe, expect, it } from 'vitest';
import { crc32 } from 'node:zlib';
import { createCrc32 } from '../src/crc32.ts';
import { decode } from '../src/index.ts';
import { fieldsOf, gzipWithFields, pack } from './packing.ts';
import { bytesOf, codeOf, collect, concat, decoded, describeDecoders, noise, pieces, same, text } from './support.ts';

function patched(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at < 0 ? copy.length + at : at] = value;
  return copy;
}

describeDecoders('gzip', (decoder) => {
  const content = text(500);
  const packed = pack('gzip', content);

  it.each([0, 1, 300, 100_000])('takes headers with texts of %i bytes', async (length) => {
    const member = gzipWithFields(content, length, undefined);
    for (const size of length > 1000 ? [5000] : [1, 2, 3, 1000]) {
      expect(same(await collect(decode(pieces(member, size), decoder)), content)).toBe(true);
    }
  });

  it('checks the CRC of a header that has one', async () => {
    const crc = crc32(fieldsOf(packed, 20, true)) & 0xffff;
    expect(same(await decoded(gzipWithFields(content, 20, crc), decoder), content)).toBe(true);
    expect(await codeOf(decoded(gzipWithFields(content, 20, crc ^ 1), decoder))).toBe('BAD_CHECKSUM');
  });

  it.each([1, 5, 12, 40, 60])('is not content with a header cut off after %i bytes', async (end) => {
    expect(await codeOf(decoded(gzipWithFields(content, 20, 0).subarray(0, end), decoder))).toBe('TRUNCATED');
  });

  it.each([
    ['another method', 2, 7, 'CORRUPT'],
    ['a reserved flag', 3, 0x20, 'CORRUPT'],
    ['a wrong CRC-32', -8, packed.at(-8)! ^ 1, 'BAD_CHECKSUM'],
    ['a wrong length', -1, 1, 'BAD_CHECKSUM'],
    ['another first byte', 0, 0x1e, 'BAD_MAGIC'],
    ['a reserved block type', 10, 0x07, 'CORRUPT'],
  ])('refuses %s', async (_, at, value, code) => {
    expect(await codeOf(decoded(patched(packed, at, value), decoder))).toBe(code);
    expect(await codeOf(decoded(concat(packed, patched(packed, at, value)), decoder))).toBe(code === 'BAD_MAGIC' ? 'TRAILING_DATA' : code);
  });

  it('refuses a member behind padding: nobody agrees on what it means', async () => {
    const error = collect(decode([concat(packed, new Uint8Array(5), packed)], decoder));
    await expect(error).rejects.toMatchObject({ code: 'TRAILING_DATA', offset: packed.length + 5 });
  });

  it('says where a checksum is wrong', async () => {
    const error = decoded(concat(packed, patched(packed, -5, 0x55)), decoder);
    await expect(error).rejects.toMatchObject({ code: 'BAD_CHECKSUM', offset: 2 * packed.length - 8 });
    await expect(error).rejects.toThrow(/CRC-32 is 0x[0-9a-f]{8}, the member says 0x55[0-9a-f]{6} at offset/);
  });

  it('refuses distances before the start of the data', async () => {
    // A fixed block: one literal, then a match of length 3 at distance 4.
    const deflate = bytesOf(0x4b, 0x04, 0x62);
    const member = concat(packed.subarray(0, 10), deflate, new Uint8Array(20));
    expect(await codeOf(decoded(member, decoder))).toMatch(/CORRUPT|BAD_CHECKSUM/);
  });

  it('does not carry the window from one member to the next', async () => {
    const members = concat(packed, packed.subarray(0, 10), bytesOf(0x4b, 0x04, 0x62), new Uint8Array(20));
    expect(await codeOf(decoded(members, decoder))).toMatch(/CORRUPT|BAD_CHECKSUM/);
  });
});

describe('crc32', () => {
  const sum = createCrc32();

  it('has the check value of the algorithm', () => {
    expect(sum(new TextEncoder().encode('123456789'), 0)).toBe(0xcbf43926);
  });

  it('equals that of zlib, in any pieces', () => {
    for (const size of [0, 1, 7, 8, 9, 63, 1000]) {
      const bytes = noise(size + 3).subarray(3);
      expect(sum(bytes, 0)).toBe(crc32(bytes));
      expect(sum(bytes.subarray(size >> 1), sum(bytes.subarray(0, size >> 1), 0))).toBe(crc32(bytes));
    }
  });
});

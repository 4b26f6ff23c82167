import { ascii as asciiField, bytes as bytesField, concatBytes, struct } from '@cfskit/binary';
import { describe, expect, it } from 'vitest';
import {
  ascii,
  END,
  header,
  listAll,
  member,
  octal,
  pax,
  paxRecord,
  splitWhole,
  storedChunks,
  text,
  type HeaderFields,
} from './support.ts';
import type { TarEntry, TarMember } from '../src/index.ts';

/** The POSIX layout as a table, as an oracle for the offsets that the parser has unrolled. */
const ustar = struct({
  name: bytesField(100),
  mode: asciiField(8),
  uid: asciiField(8),
  gid: asciiField(8),
  size: asciiField(12),
  mtime: asciiField(12),
  checksum: asciiField(8),
  typeflag: asciiField(1),
  linkName: bytesField(100),
  magic: asciiField(6),
  version: asciiField(2),
  user: bytesField(32),
  group: bytesField(32),
  major: asciiField(8),
  minor: asciiField(8),
  prefix: bytesField(155),
  unused: bytesField(12),
});

const GNU = 'ustar  \0';
const V7 = '\0\0\0\0\0\0\0\0';

function membersOf(...blocks: Uint8Array[]): TarMember[] {
  const members: TarMember[] = [];
  splitWhole(concatBytes([...blocks, END]), { onEntry: (entry) => members.push(entry) });
  return members;
}

function only(...blocks: Uint8Array[]): TarMember {
  const members = membersOf(...blocks);
  expect(members).toHaveLength(1);
  return members.at(0)!;
}

async function entryOf(...blocks: Uint8Array[]): Promise<TarEntry> {
  const { entries, error } = await listAll(storedChunks(splitWhole(concatBytes([...blocks, END])).pieces));
  if (error !== undefined) throw error;
  expect(entries).toHaveLength(1);
  return entries.at(0)!;
}

function failure(...blocks: Uint8Array[]): object {
  try {
    splitWhole(concatBytes([...blocks, END]));
  } catch (error) {
    return error as object;
  }
  throw new Error('accepted');
}

/** A field with the top bit of its first byte set, holding `value` in two's complement. */
function base256(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = length - 1, left = value; i >= 0; i--, left >>= 8n) bytes[i] = Number(left & 0xffn);
  bytes.set([bytes.at(0)! | 0x80]);
  return bytes;
}

function base256Text(value: bigint): string {
  return text(base256(value, 8));
}

it('reads every field where POSIX has it', async () => {
  expect(ustar.size).toBe(512);
  const { offsets } = ustar;
  const block = header({
    name: 'n',
    type: '3',
    mode: '0000755',
    uid: '0000012',
    gid: '0000013',
    mtime: octal(99),
    prefix: 'p',
    major: '0000005',
    minor: '0000001',
  });
  expect(text(block.subarray(offsets.prefix, offsets.prefix + 2))).toBe('p\0');
  expect(text(block.subarray(offsets.major, offsets.major + 7))).toBe('0000005');
  expect(text(block.subarray(offsets.minor, offsets.minor + 7))).toBe('0000001');
  const { path, ...entry } = await entryOf(block);
  expect(text(path)).toBe('/p/n');
  expect(entry).toEqual({
    type: 'character-device',
    mode: 0o755,
    uid: 10,
    gid: 11,
    mtime: { seconds: 99n, nanoseconds: 0 },
    xattrs: [],
    rdev: 0x501n,
  });
});

describe('octal fields', () => {
  it.each<[string, HeaderFields['mode'], number]>([
    ['ends at the first NUL', '12\x0099999', 0o12],
    ['has white space of every kind around it', '\t\n\v\f\r 7', 0o7],
    ['has spaces behind it', '7    \0', 0o7],
    ['is empty', '\0\0\0\0\0\0\0\0', 0],
    ['is blank', '        ', 0],
    ['has a plus sign', '+0000644', 0o644],
    ['is completely filled', '77777777', 0o77777777],
  ])('%s', (_, mode, value) => {
    expect(only(header({ mode: mode! })).mode).toBe(value);
  });

  it.each(['8', '0x1', '-1', '+', '1 2', '++1', '1+'])('%j is none', (mode) => {
    const bytes = ascii(mode.padEnd(8, '\0'));
    expect(failure(header({ mode }))).toMatchObject({
      code: 'INVALID_FIELD',
      offset: 0,
      message: `header error: invalid octal field: [${bytes.join(', ')}]`,
    });
  });

  it.each<keyof HeaderFields>(['mode', 'uid', 'gid', 'size', 'mtime', 'major', 'minor', 'checksum'])('%s is checked', (field) => {
    expect(failure(header({ [field]: '9' }))).toMatchObject({ code: 'INVALID_FIELD' });
  });

  it('device numbers of a v7 header are not looked at', () => {
    expect(only(header({ magic: V7, major: '9', minor: '9' })).format).toBe('v7');
  });

  it('numbers of records are not looked at, but for the size', () => {
    expect(text(only(header({ type: 'x', size: '0', uid: '9', mode: '9', mtime: '9' }), header()).path)).toBe('/name');
  });
});

describe('base-256 fields', () => {
  it.each<[bigint, bigint]>([
    [-1n, -1n],
    [-(2n ** 63n), -(2n ** 63n)],
    [2n ** 63n - 1n, 2n ** 63n - 1n],
    [2n ** 64n + 5n, 5n],
  ])('mtime %s', (written, read) => {
    expect(only(header({ mtime: base256(written, 12) })).mtime.seconds).toBe(read);
  });

  it('ids and modes are cut to 32 bits', () => {
    expect(
      only(header({ uid: base256Text(2n ** 40n + 7n), gid: base256Text(2n ** 32n - 1n), mode: base256Text(0o100644n) })),
    ).toMatchObject({
      uid: 7,
      gid: 2 ** 32 - 1,
      mode: 0o100644,
    });
  });

  it('sizes that no file has are refused', () => {
    expect(failure(header({ size: base256(2n ** 53n, 12) }))).toMatchObject({
      code: 'INVALID_SIZE',
      message: 'invalid entry size: 9007199254740992',
    });
    expect(failure(header({ size: base256(-1n, 12) }))).toMatchObject({
      code: 'INVALID_SIZE',
      message: 'invalid entry size: 18446744073709551615',
    });
  });

  it('the greatest size that is taken needs its content', () => {
    expect(failure(header({ size: base256(2n ** 53n - 512n, 12) }))).toMatchObject({
      code: 'TRUNCATED',
      message: 'unexpected EOF reading tar entry',
    });
  });
});

describe('formats', () => {
  it.each<[string, TarMember['format'], string]>([
    ['ustar\x0000', 'ustar', '/prefix/name'],
    [GNU, 'gnu', '/name'],
    ['ustar\x0001', 'v7', '/name'],
    ['ustar  1', 'v7', '/name'],
    [V7, 'v7', '/name'],
  ])('%j is %s', (magic, format, path) => {
    const entry = only(header({ magic, prefix: 'prefix' }));
    expect([entry.format, text(entry.path)]).toEqual([format, path]);
  });

  it('a prefix names an entry without a name', () => {
    expect(text(only(header({ name: '', prefix: 'only' })).path)).toBe('/only');
  });

  it.each(['L', 'K', 'x', 'S'])('type %s in a v7 header is an unknown entry', (type) => {
    expect(only(header({ magic: V7, type }))).toMatchObject({ type: 'unknown', typeflag: type.charCodeAt(0) });
  });

  it('a global record counts in a v7 header too', () => {
    expect(membersOf(member({ magic: V7, type: 'g' }, paxRecord('path', 'x')), header())).toHaveLength(1);
  });

  it.each<[string, string]>([
    ['L', 'GnuLongName'],
    ['K', 'GnuLongLink'],
    ['x', 'XHeader'],
    ['S', 'GnuSparse'],
    ['N', 'Other(78)'],
  ])('a listing names type %s', async (type, name) => {
    await expect(entryOf(header({ magic: V7, type }))).rejects.toMatchObject({
      code: 'UNSUPPORTED_TYPE',
      message: `Unsupported entry type ${name}`,
    });
  });
});

describe('records', () => {
  it.each([
    ['L', 'K'],
    ['K', 'L'],
  ])('%s and %s together', async (first, second) => {
    const record = (type: string) => member({ type, magic: GNU }, `/long-${type}\0`);
    const entry = await entryOf(record(first), record(second), header({ type: '2', linkName: 't', magic: GNU }));
    expect(text(entry.path)).toBe('/long-L');
    expect(entry.type === 'symlink' && text(entry.target)).toBe('/long-K');
  });

  it.each<[string, string]>([
    ['L', 'duplicate GNU long name entry'],
    ['K', 'duplicate GNU long link entry'],
    ['x', 'duplicate PAX extended header'],
  ])('two %s before one entry are refused', (type, message) => {
    const record = member({ type }, paxRecord('comment', 'x'));
    expect(failure(record, record, header())).toMatchObject({ code: 'DUPLICATE_METADATA', message, offset: 1024 });
  });

  it('an empty record counts as one', () => {
    expect(failure(header({ type: 'L' }), header({ type: 'L' }), header())).toMatchObject({ code: 'DUPLICATE_METADATA' });
    expect(failure(header({ type: 'L' }), header())).toMatchObject({ code: 'EMPTY_PATH' });
  });

  it('their sizes are summed up, and forgotten after the entry', () => {
    const half = 'n'.repeat(512 * 1024);
    const records = [member({ type: 'L' }, half), member({ type: 'K' }, half)];
    expect(membersOf(...records, header(), ...records, header())).toHaveLength(2);
    expect(failure(...records, pax({ comment: '' }), header())).toMatchObject({
      code: 'METADATA_LIMIT',
      message: 'metadata exceeds limit: 1048588 bytes > 1048576 bytes',
    });
  });

  it('a claimed size is refused before the data comes', () => {
    const size = octal(2 ** 33 - 1);
    for (const type of ['L', 'x', 'g']) expect(failure(header({ type, size }))).toMatchObject({ code: 'METADATA_LIMIT' });
  });

  it('one zero block between a record and its entry is skipped', () => {
    expect(text(only(member({ type: 'L' }, 'long'), new Uint8Array(512), header()).path)).toBe('/long');
  });

  it('a global record forgets what was pending', () => {
    expect(text(only(member({ type: 'L' }, 'long'), pax({}), member({ type: 'g' }, ''), header()).path)).toBe('/name');
  });
});

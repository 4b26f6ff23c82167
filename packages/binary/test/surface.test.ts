import { expect, it } from 'vitest';

it('exports exactly these names', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'Cursor',
    'DecodeError',
    'ascii',
    'bytes',
    'compareBytes',
    'compareUtf8',
    'concatBytes',
    'decode',
    'encode',
    'fromHex',
    'fromLatin1',
    'i64',
    'i64Big',
    'struct',
    'toHex',
    'toLatin1',
    'u16',
    'u32',
    'u64',
    'u64Big',
    'u8',
  ]);
});

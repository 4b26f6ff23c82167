import { fromLatin1 } from '@cfskit/binary';
import { expect, it } from 'vitest';
import { formatTarEntry, layerEntryOf, type TarEntry } from '../src/index.ts';

const ID = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';
const bytes = fromLatin1;
const common = { path: bytes('/a b'), mode: 0o100644, uid: 1, gid: 2, mtime: { seconds: 3n, nanoseconds: 4 }, xattrs: [] };
const stat = { mode: 0o644, uid: 1, gid: 2, mtime: { seconds: 3n, nanoseconds: 4 }, xattrs: new Map<string, string>() };

it.each<[string, TarEntry, string, object]>([
  [
    'inline file',
    { ...common, type: 'file', content: { kind: 'inline', bytes: bytes('x\n') } },
    '/a\\x20b 2 100644 1 1 2 0 3.4 - x\\n -',
    { kind: 'file', content: { kind: 'inline', bytes: bytes('x\n') } },
  ],
  [
    'external file',
    { ...common, type: 'file', content: { kind: 'external', objectId: ID, size: 70 } },
    `/a\\x20b 70 100644 1 1 2 0 3.4 ${ID.slice(0, 2)}/${ID.slice(2)} - ${ID}`,
    { kind: 'file', content: { kind: 'external', objectId: ID, size: 70 } },
  ],
  [
    'directory',
    { ...common, mode: 0o755, type: 'directory' },
    '/a\\x20b 0 40755 1 1 2 0 3.4 - - -',
    { kind: 'directory', stat: { ...stat, mode: 0o755 } },
  ],
  [
    'symlink',
    { ...common, type: 'symlink', mode: 0o120777, target: bytes('\xff') },
    '/a\\x20b 1 120777 1 1 2 0 3.4 \\xff - -',
    { kind: 'symlink', target: '\xff', stat: { ...stat, mode: 0o777 } },
  ],
  [
    'hard link',
    { ...common, type: 'hard-link', target: bytes('/t') },
    '/a\\x20b 0 @120000 - - - - 0.0 /t - -',
    { kind: 'hard-link', target: '/t' },
  ],
  [
    'device',
    { ...common, type: 'block-device', mode: 0o600, rdev: 2n ** 40n },
    '/a\\x20b 0 60600 1 1 2 1099511627776 3.4 - - -',
    { kind: 'block-device', rdev: 2n ** 40n, stat: { ...stat, mode: 0o600 } },
  ],
  [
    'FIFO',
    { ...common, type: 'fifo', mode: 0xffff_ffff },
    '/a\\x20b 0 37777777777 1 1 2 0 3.4 - - -',
    { kind: 'fifo', stat: { ...stat, mode: 0o7777 } },
  ],
  [
    'root',
    { ...common, type: 'directory', path: bytes(''), mode: 0 },
    '- 0 40000 1 1 2 0 3.4 - - -',
    { kind: 'directory', path: '', stat: { ...stat, mode: 0 } },
  ],
])('%s', (_, entry, line, layerEntry) => {
  expect(formatTarEntry(entry)).toBe(line);
  expect(layerEntryOf(entry)).toEqual({ path: '/a b', stat, ...layerEntry });
});

it('attributes are byte strings', () => {
  const entry: TarEntry = { ...common, type: 'fifo', mode: 0o644, xattrs: [{ name: bytes('user.\xe9'), value: bytes('a=') }] };
  expect(formatTarEntry(entry)).toBe('/a\\x20b 0 10644 1 1 2 0 3.4 - - - user.\\xe9=a\\x3d');
  expect(layerEntryOf(entry).stat.xattrs).toEqual(new Map([['user.\xe9', 'a=']]));
});

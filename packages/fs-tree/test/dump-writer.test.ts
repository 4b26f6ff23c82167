import { describe, expect, it } from 'vitest';
import { Directory, dumpLines, parseDumpfile, writeDumpfile, type Leaf } from '../src/index.ts';
import { failure, stat } from './support.ts';
import { fromLatin1 } from '@cfskit/binary';

const ID = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';

function sample(): Directory {
  const root = new Directory(stat({ mode: 0o755 }));
  const directory = new Directory(stat({ mode: 0o755 }));
  const file: Leaf = { kind: 'file', stat: stat(), content: { kind: 'inline', bytes: fromLatin1('x') } };
  root.insert('z', file);
  root.insert('d', directory);
  directory.insert('later', file);
  directory.insert('b', new Directory(stat({ mode: 0o700 })));
  return root;
}

describe('order and hard links', () => {
  it('is depth first, in byte order, the first name carries the file', () => {
    expect([...dumpLines(sample())]).toEqual([
      '/ 0 40755 3 0 0 0 0.0 - - -',
      '/d 0 40755 3 0 0 0 0.0 - - -',
      '/d/b 0 40700 2 0 0 0 0.0 - - -',
      '/d/later 1 100644 2 0 0 0 0.0 - x -',
      '/z 0 @120000 - - - - 0.0 /d/later - -',
    ]);
  });

  it('of a part counts links of the whole, and takes the first name in the part', () => {
    expect([...dumpLines(sample(), { path: 'z' })]).toEqual(['/z 1 100644 2 0 0 0 0.0 - x -']);
    expect([...dumpLines(sample(), { path: '/d/', shallow: true })]).toEqual([...dumpLines(sample(), { path: '/d' })]);
    expect([...dumpLines(sample(), { shallow: true })]).toEqual([
      '/ 0 40755 3 0 0 0 0.0 - - -',
      '/d 0 40755 3 0 0 0 0.0 - - -',
      '/z 1 100644 2 0 0 0 0.0 - x -',
    ]);
  });

  it('of a part that is not there is an error', () => {
    expect(failure(() => [...dumpLines(sample(), { path: '/no' })]).code).toBe('NOT_FOUND');
    expect(failure(() => [...dumpLines(sample(), { path: '/z/x' })]).code).toBe('NOT_A_DIRECTORY');
  });
});

function line(payload: string, digest: string, size = 100): string {
  return `/f ${size} 100644 1 0 0 0 0.0 ${payload} - ${digest}`;
}

describe('external files', () => {
  const path = `${ID.slice(0, 2)}/${ID.slice(2)}`;
  const long = ID + ID;

  it.each([
    [line(path, ID), line(path, ID)],
    [line('some/where', ID), line(path, ID)],
    [line('-', ID), line(path, ID)],
    [line(path, ID.toUpperCase()), line(path, ID)],
    [line(`prefix/${path}`, '-'), line(path, ID)],
    [line(`${long.slice(0, 2)}/${long.slice(2)}`, '-'), line(`${long.slice(0, 2)}/${long.slice(2)}`, long)],
    [line('some/where', '-'), line('some/where', '-')],
    [line(path, ID, 0), line(path, ID, 0)],
    [line('-', '-'), line('-', '-')],
  ])('%s', (read, written) => {
    const root = parseDumpfile(fromLatin1(`/ 0 40755 2 0 0 0 0.0 - - -\n${read}\n`));
    expect([...dumpLines(root)].at(1)).toBe(written);
  });
});

it('comes in chunks of bounded size', () => {
  const root = new Directory(stat());
  for (let i = 0; i < 20_000; i++) root.insert(`file-${i}`, { kind: 'fifo', stat: stat() });
  const chunks = [...writeDumpfile(root)];
  expect(chunks.length).toBeGreaterThan(2);
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(300_000);
  expect(parseDumpfile(Buffer.concat(chunks)).size).toBe(20_000);
});

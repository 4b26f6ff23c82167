import { fromLatin1 } from '@cfskit/binary';
import { fsVerityDigest } from '@cfskit/fs-verity';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareTrees,
  dumpLines,
  parseDumpfile,
  sameContent,
  walkTree,
  type CompareOptions,
  type Directory,
  type FileContent,
} from '../src/index.ts';
import { tree } from './arbitraries.ts';
import { dump } from './support.ts';

const ID = 'ab'.repeat(32);
const PATH = `ab/${'ab'.repeat(31)}`;

function parse(...lines: readonly string[]): Directory {
  return parseDumpfile(fromLatin1(['/ 0 40755 2 0 0 0 0.0 - - -', ...lines, ''].join('\n')));
}

/** Differences as lines: `+`, `-`, or path and field. */
function compare(a: Directory, b: Directory, options: CompareOptions = {}): string[] {
  return [...compareTrees(a, b, options)].map((difference) => {
    if (difference.kind !== 'field') return `${difference.kind === 'only-in-a' ? '-' : '+'} ${difference.path}`;
    const { path, field, name, a: valueOfA = '(none)', b: valueOfB = '(none)' } = difference;
    return `${path} ${field}${name === undefined ? '' : ` ${name}`} ${valueOfA} ${valueOfB}`;
  });
}

describe('missing paths', () => {
  it('come in the order of a walk, with everything below them', () => {
    const a = parse('/d 0 40755 2 0 0 0 0.0 - - -', '/d/x 0 10644 1 0 0 0 0.0 - - -', '/d-e 0 10644 1 0 0 0 0.0 - - -');
    const b = parse('/c 0 40755 2 0 0 0 0.0 - - -', '/c/y 0 10644 1 0 0 0 0.0 - - -', '/d-e 0 10644 1 0 0 0 0.0 - - -');
    expect(compare(a, b)).toEqual(['+ /c', '+ /c/y', '- /d', '- /d/x']);
    expect(compare(b, a)).toEqual(['- /c', '- /c/y', '+ /d', '+ /d/x']);
  });
});

describe('fields', () => {
  it.each([
    ['/f 0 10644 1 0 0 0 0.0 - - -', '/f 0 140644 1 0 0 0 0.0 - - -', ['/f type fifo socket']],
    [
      '/f 1 100644 1 0 0 0 0.0 - x -',
      '/f 2 104755 1 7 8 0 1.5 - xy -',
      ['/f size 1 2', '/f mode 0644 4755', '/f uid 0 7', '/f gid 0 8', '/f mtime 0.000000000 1.000000005', '/f content x xy'],
    ],
    ['/f 1 100644 1 0 0 0 0.0 - x -', '/f 1 100644 1 0 0 0 0.0 - y -', ['/f content x y']],
    ['/f 0 120777 1 0 0 0 0.0 a - -', '/f 0 120777 1 0 0 0 0.0 b - -', ['/f target a b']],
    ['/f 0 20644 1 0 0 259 0.0 - - -', '/f 0 20644 1 0 0 260 0.0 - - -', ['/f device 259 260']],
    [
      '/f 0 10644 1 0 0 0 -1.0 - - - user.a=1 user.b=2',
      '/f 0 10644 1 0 0 0 -1.0 - - - user.b=3 user.c=',
      ['/f xattr user.a 1 (none)', '/f xattr user.b 2 3', '/f xattr user.c (none) '],
    ],
    [`/f 9 100644 1 0 0 0 0.0 ${PATH} - ${ID}`, `/f 9 100644 1 0 0 0 0.0 other - ${ID}`, ['/f storage object object-at:other']],
    [`/f 9 100644 1 0 0 0 0.0 ${PATH} - ${ID}`, `/f 9 100644 1 0 0 0 0.0 ${PATH} - -`, ['/f storage object object-without-digest']],
    [`/f 9 100644 1 0 0 0 0.0 some/where - -`, `/f 9 100644 1 0 0 0 0.0 - - -`, ['/f storage file-at:some/where nowhere']],
  ])('%s and %s', (a, b, differences) => {
    expect(compare(parse(a), parse(b))).toEqual(differences);
    expect(compare(parse(a), parse(a))).toEqual([]);
  });

  it('can be ignored', () => {
    const [a, b] = [parse('/f 0 10644 1 0 0 0 0.0 - - -'), parse('/f 0 10600 1 5 0 0 1.0 - - -')];
    expect(compare(a, b, { ignore: ['mtime', 'mode'] })).toEqual(['/f uid 0 5']);
  });
});

const file = (path: string): string => `${path} 1 100644 1 0 0 0 0.0 - x -`;
const link = (path: string, target: string): string => `${path} 0 @120000 - - - - 0.0 ${target} - -`;

describe('hard links', () => {
  it('are names of one file', () => {
    const linked = parse(file('/a'), link('/b', '/a'), link('/c', '/a'));
    expect(compare(linked, parse(file('/a'), file('/b'), file('/c')))).toEqual(['/b hard-link /a (none)', '/c hard-link /a (none)']);
    expect(compare(linked, parse(file('/a'), file('/b'), link('/c', '/b')))).toEqual(['/b hard-link /a (none)', '/c hard-link /a /b']);
  });

  it('are compared once', () => {
    const [a, b] = [parse(file('/a'), link('/b', '/a')), parse(file('/a').replace('100644', '100600'), link('/b', '/a'))];
    expect(compare(a, b)).toEqual(['/a mode 0644 0600']);
  });

  it('of which the first name is missing begin with the next', () => {
    expect(compare(parse(file('/a'), link('/b', '/a')), parse(file('/b')))).toEqual(['- /a', '/b hard-link /a (none)']);
  });
});

describe('contents', () => {
  const bytes = fromLatin1('hello');
  const inline: FileContent = { kind: 'inline', bytes };
  const object = (algorithm: 'sha256' | 'sha512', size = 5): FileContent => ({
    kind: 'external',
    objectId: fsVerityDigest(bytes, algorithm),
    size,
  });

  it('are the same bytes, wherever they are', () => {
    expect(sameContent(inline, object('sha256'))).toBe(true);
    expect(sameContent(object('sha512'), inline)).toBe(true);
    expect(sameContent(inline, { ...object('sha512'), objectId: ID } as FileContent)).toBe(false);
    const payload = `objects/${fsVerityDigest(bytes, 'sha256').replace(/^../, '$&/')}`;
    expect(sameContent({ kind: 'external-no-verity', payload, size: 5 }, inline)).toBe(true);
  });

  it('are unknown where objects have ids of two algorithms, and different where sizes are', () => {
    expect(sameContent(object('sha256'), object('sha512'))).toBeUndefined();
    expect(sameContent(object('sha256'), object('sha512', 6))).toBe(false);
    expect(sameContent({ kind: 'sparse', size: 5 }, inline)).toBeUndefined();
  });

  it('can be compared by the caller', () => {
    const [a, b] = [parse(`/f 9 100644 1 0 0 0 0.0 - - ${ID}`), parse(`/f 9 100644 1 0 0 0 0.0 - - ${ID}`)];
    expect([...compareTrees(a, b, { compareContents: () => false })]).toMatchObject([{ path: '/f', field: 'content' }]);
  });
});

const paths = (root: Directory): string[] => [...walkTree(root)].map(({ path }) => path);

describe('any two trees', () => {
  it('have no differences exactly if they have the same dump', () => {
    fc.assert(
      fc.property(tree, (a) => {
        expect([...compareTrees(a, parseDumpfile(fromLatin1(dump(a))))]).toEqual([]);
      }),
    );
    fc.assert(
      fc.property(tree, fc.nat(), (a, choice) => {
        const lines = [...dumpLines(a)];
        const changed = choice % lines.length;
        const other = lines.map((line, index) => (index === changed ? line.replace(/ (\d+)\.(\d+) /, ' 77.88 ') : line)).join('\n');
        const differences = [...compareTrees(a, parseDumpfile(fromLatin1(other)))];
        expect(differences.length === 0).toBe(dump(parseDumpfile(fromLatin1(other))) === dump(a));
      }),
    );
  });

  it('miss what the paths of the one have over those of the other', () => {
    fc.assert(
      fc.property(tree, tree, (a, b) => {
        const differences = [...compareTrees(a, b)];
        const inB = new Set(paths(b));
        const inA = new Set(paths(a));
        expect(differences.flatMap((d) => (d.kind === 'only-in-a' ? [d.path] : []))).toEqual(paths(a).filter((path) => !inB.has(path)));
        expect(differences.flatMap((d) => (d.kind === 'only-in-b' ? [d.path] : []))).toEqual(paths(b).filter((path) => !inA.has(path)));
      }),
    );
  });
});

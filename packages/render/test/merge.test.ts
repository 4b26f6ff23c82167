import { describe, expect, it } from 'vitest';
import { layer } from './support/layer-builder.ts';
import { readTar } from './support/read-tar.ts';
import { failureOf, imageOf, merge, mergedTar, messagesOf } from './support/images.ts';

const paths = (entries: ReadonlyMap<string, unknown>): string[] => [...entries.keys()].toSorted();

describe('long names', () => {
  it('keeps a long symbolic link', async () => {
    const entries = await merge(layer().symlink('link', 'a'.repeat(200)));
    expect(entries.get('link')).toMatchObject({ type: 'symlink', target: 'a'.repeat(200) });
  });

  it('keeps a long hard link target', async () => {
    const name = 'f'.repeat(200);
    const entries = await merge(layer().file(name, 'x').hardlink('link', name));
    expect(entries.get('link')).toMatchObject({ type: 'hard-link', target: name });
  });

  it('keeps a long path', async () => {
    const name = `${'d'.repeat(60)}/${'f'.repeat(49)}`;
    expect((await merge(layer().file(name, 'content'))).get(name)?.content).toBe('content');
  });

  it('keeps the target of links to a promoted entry with a long path', async () => {
    const [a, b] = [`a${'x'.repeat(109)}`, `b${'x'.repeat(109)}`];
    const entries = await merge(layer().file('o', '1').hardlink(a, 'o').hardlink(b, 'o'), layer().whiteout('', 'o'));
    expect(entries.get(a)).toMatchObject({ type: 'file', content: '1' });
    expect(entries.get(b)).toMatchObject({ type: 'hard-link', target: a });
  });

  it.each([
    ['in one layer', 95, false],
    ['across layers', 60, true],
  ])('keeps a hard link target in a long directory, %s', async (_, length, across) => {
    const target = `${'d'.repeat(length)}/${'f'.repeat(60)}`;
    const lower = layer().file(target, 'x');
    const entries = across ? await merge(lower, layer().hardlink('link', target)) : await merge(lower.hardlink('link', target));
    expect(entries.get('link')?.target).toBe(target);
  });
});

describe('whiteouts', () => {
  it('hides a file', async () => {
    expect(paths(await merge(layer().file('secret.txt'), layer().whiteout('', 'secret.txt')))).toEqual([]);
  });

  it('hides what is in an opaque directory, and keeps the directory', async () => {
    const entries = await merge(layer().dir('mydir').file('mydir/old.txt'), layer().dir('mydir').opaque('mydir'));
    expect(paths(entries)).toEqual(['mydir']);
  });

  it('keeps what the layer of an opaque marker writes', async () => {
    const entries = await merge(layer().file('mydir/old.txt'), layer().dir('mydir').opaque('mydir').file('mydir/new.txt'));
    expect(paths(entries)).toEqual(['mydir', 'mydir/new.txt']);
  });

  it('keeps nested entries of the layer of an opaque marker', async () => {
    const lower = layer().file('dir/sub/old').file('dir/peer');
    expect(paths(await merge(lower, layer().opaque('dir').file('dir/sub/new')))).toEqual(['dir', 'dir/sub', 'dir/sub/new']);
  });

  it('does not hide what a later layer writes again', async () => {
    const entries = await merge(layer().file('f', '1'), layer().whiteout('', 'f'), layer().file('f', '2'));
    expect(entries.get('f')?.content).toBe('2');
  });

  it('does not hide what a later layer writes below a hidden directory', async () => {
    const entries = await merge(layer().dir('dir').file('dir/old'), layer().whiteout('', 'dir'), layer().file('dir/new'));
    expect(paths(entries)).toEqual(['dir', 'dir/new']);
  });

  it('hides everything below a directory', async () => {
    expect(paths(await merge(layer().dir('d').file('d/a').file('d/e/f'), layer().whiteout('', 'd')))).toEqual([]);
  });

  it('says nothing of a name that was not there', async () => {
    expect(paths(await merge(layer().file('real'), layer().whiteout('', 'ghost')))).toEqual(['real']);
  });

  it('hides only what older layers wrote, deep down too', async () => {
    const deep = 'usr/share/doc/package';
    const entries = await merge(layer().file(`${deep}/old`), layer().whiteout('usr/share/doc', 'package').file(`${deep}/new`));
    expect(entries.has(`${deep}/old`)).toBe(false);
    expect(entries.has(`${deep}/new`)).toBe(true);
  });

  it('never writes a marker, of whatever type it is', async () => {
    const upper = layer().add({ path: '.wh.a', type: 'dir' }).hardlink('.wh.b', 'nowhere').symlink('.wh.c', 'x');
    expect(paths(await merge(layer().file('a').file('b').file('c').file('d'), upper))).toEqual(['d']);
  });

  it('leaves the book-keeping of AUFS out, with all that is in it', async () => {
    const entries = await merge(layer().dir('.wh..wh.plnk').file('.wh..wh.plnk/1.2').file('.wh..wh.aufs').file('a'));
    expect(paths(entries)).toEqual(['a']);
  });

  it('refuses a whiteout of no name', async () => {
    expect(messagesOf(await failureOf(merge(layer().file('a'), layer().file('.wh.'))))).toContain('whiteout of no name');
  });
});

describe('hard links', () => {
  it('links into an older layer', async () => {
    const entries = await merge(layer().file('original.txt', 'x'), layer().hardlink('link.txt', 'original.txt'));
    expect(entries.get('link.txt')).toMatchObject({ type: 'hard-link', target: 'original.txt' });
  });

  it('leaves a link to a hidden file out, and says so', async () => {
    const warnings: string[] = [];
    const image = imageOf(layer().file('gone.txt'), layer().whiteout('', 'gone.txt').hardlink('link', 'gone.txt'));
    const { result } = await mergedTar(image, { onWarning: (text) => warnings.push(text) });
    expect([result.linksDropped, warnings]).toEqual([1, ['left out link, a hard link to gone.txt, which is not there']]);
    const error = await failureOf(mergedTar(image, { strict: true }));
    expect(messagesOf(error)).toContain('hard link without a target');
  });

  it('many without a target are told as a number', async () => {
    const warnings: string[] = [];
    const many = Array.from({ length: 25 }, (_, i) => i).reduce((one, i) => one.hardlink(`l${i}`, 'gone'), layer());
    const { result } = await mergedTar(imageOf(many), { onWarning: (text) => warnings.push(text) });
    expect([result.linksDropped, warnings.length]).toEqual([25, 11]);
    expect(warnings.slice(9)).toEqual([
      'left out l9, a hard link to gone, which is not there',
      'left out 15 more hard links to what is not there',
    ]);
  });

  it('writes an alias as a file when the first name is hidden', async () => {
    const entries = await merge(layer().file('file', 'hello').hardlink('alias', 'file'), layer().whiteout('', 'file'));
    expect([...entries.values()]).toMatchObject([{ path: 'alias', type: 'file', content: 'hello' }]);
  });

  it('does so for an alias of another layer', async () => {
    const entries = await merge(layer().file('file', 'hello'), layer().hardlink('alias', 'file'), layer().whiteout('', 'file'));
    expect(entries.get('alias')).toMatchObject({ type: 'file', content: 'hello' });
  });

  it('keeps the old content under an alias when the name gets another file', async () => {
    const upper = layer().whiteout('', 'file').file('file', 'new');
    const entries = await merge(layer().file('file', 'old').hardlink('alias', 'file'), upper);
    expect(entries.get('file')?.content).toBe('new');
    expect(entries.get('alias')).toMatchObject({ type: 'file', content: 'old' });
  });

  it.each([
    ['one layer', [layer().file('f', 'x').hardlink('a', 'f').hardlink('b', 'f')]],
    ['several layers', [layer().file('f', 'x'), layer().hardlink('a', 'f'), layer().hardlink('b', 'f')]],
  ])('writes one of several aliases of %s as a file, and links the others to it', async (_, layers) => {
    const entries = await merge(...layers, layer().whiteout('', 'f'));
    expect(entries.get('a')).toMatchObject({ type: 'file', content: 'x' });
    expect(entries.get('b')).toMatchObject({ type: 'hard-link', target: 'a' });
  });

  it('keeps a file when one of its aliases is hidden', async () => {
    const entries = await merge(layer().file('f', 'x').hardlink('alias', 'f'), layer().whiteout('', 'alias'));
    expect([...entries.values()]).toMatchObject([{ path: 'f', type: 'file', content: 'x' }]);
  });

  it('promotes an empty file', async () => {
    const entries = await merge(layer().file('empty').hardlink('alias', 'empty'), layer().whiteout('', 'empty'));
    expect(entries.get('alias')).toMatchObject({ type: 'file', content: '' });
  });

  it('keeps the metadata of a promoted file, but not those that were about its name', async () => {
    const lower = layer().add({
      path: 'f',
      content: 'x',
      mode: 0o4711,
      uid: 7,
      gid: 8,
      mtime: 9.5,
      xattrs: { 'user.a': 'b' },
      pax: { atime: '3' },
    });
    const entries = await merge(lower.hardlink('alias', 'f'), layer().whiteout('', 'f'));
    expect(entries.get('alias')).toMatchObject({ mode: 0o4711, uid: 7, gid: 8, mtime: 9.5, xattrs: { 'user.a': 'b' } });
  });

  it('takes an absolute target for one in the image', async () => {
    const entries = await merge(
      layer()
        .file('usr/share/foo', 'x')
        .add({ path: 'l', type: 'hardlink', pax: { linkpath: '/usr/share/foo' } }),
    );
    expect(entries.get('l')).toMatchObject({ type: 'hard-link', target: 'usr/share/foo' });
  });

  it('writes links behind what they link to, whatever layer they are of', async () => {
    const { bytes } = await mergedTar(imageOf(layer().file('z', 'x'), layer().hardlink('a', 'z').file('b')));
    expect(readTar(bytes).map(({ path }) => path)).toEqual(['b', 'z', 'a']);
  });
});

describe('types that change', () => {
  const lower = layer().dir('path').file('path/child');

  it.each([
    ['a file', layer().whiteout('', 'path').file('path', 'new'), { type: 'file', content: 'new' }],
    ['a file, without a whiteout', layer().file('path', 'new'), { type: 'file', content: 'new' }],
    ['a symbolic link', layer().whiteout('', 'path').symlink('path', 'x'), { type: 'symlink', target: 'x' }],
    ['a symbolic link, without a whiteout', layer().symlink('path', 'x'), { type: 'symlink', target: 'x' }],
  ])('a directory becomes %s', async (_, upper, expected) => {
    const entries = await merge(lower, upper);
    expect([...entries.values()]).toMatchObject([{ path: 'path', ...expected }]);
  });

  it.each([
    ['a symbolic link', layer().symlink('path', 'elsewhere')],
    ['a file', layer().file('path', 'x')],
  ])('%s becomes a directory', async (_, old) => {
    const entries = await merge(old, layer().whiteout('', 'path').dir('path').file('path/child', 'x'));
    expect([...entries.values()]).toMatchObject([
      { path: 'path', type: 'directory' },
      { path: 'path/child', type: 'file' },
    ]);
  });
});

describe('metadata', () => {
  it('takes ./ off names, and the newer of two files', async () => {
    const entries = await merge(layer().file('foo.txt', 'old'), layer().fileDotSlash('foo.txt', 'new'));
    expect([...entries.values()]).toMatchObject([{ path: 'foo.txt', content: 'new' }]);
  });

  it('keeps modes', async () => {
    const entries = await merge(layer().file('a', '', 0o755), layer().file('b', '', 0o600));
    expect([entries.get('a')?.mode, entries.get('b')?.mode]).toEqual([0o755, 0o600]);
  });

  it('takes mode and content of the newer layer', async () => {
    const entries = await merge(layer().file('f', 'old', 0o644), layer().file('f', 'new', 0o755));
    expect(entries.get('f')).toMatchObject({ mode: 0o755, content: 'new' });
  });

  it('passes a FIFO on, and hides it', async () => {
    expect((await merge(layer().fifo('pipe'))).get('pipe')?.type).toBe('fifo');
    expect((await merge(layer().fifo('pipe'), layer().whiteout('', 'pipe'))).size).toBe(0);
  });

  it('passes devices on with their numbers', async () => {
    const entries = await merge(
      layer()
        .add({ path: 'null', type: 'char', device: [1, 3] })
        .add({ path: 'sda', type: 'block', device: [259, 70_000] }),
    );
    expect(entries.get('null')).toMatchObject({ type: 'character-device', rdev: 0x103 });
    expect(entries.get('sda')).toMatchObject({ type: 'block-device', rdev: 0x11110370 });
  });

  it('writes parents that no layer describes, first', async () => {
    const { bytes } = await mergedTar(imageOf(layer().file('b/c/d').file('a/x')));
    expect(readTar(bytes).map(({ path, mode, uid, mtime }) => [path, mode, uid, mtime])).toEqual([
      ['a', 0o755, 0, 0],
      ['b', 0o755, 0, 0],
      ['b/c', 0o755, 0, 0],
      ['b/c/d', 0o644, 0, 0],
      ['a/x', 0o644, 0, 0],
    ]);
  });

  it.each(['.', './', '/'])('takes %s for the root, which comes first', async (path) => {
    const { bytes } = await mergedTar(imageOf(layer().file('f'), layer().add({ path, type: 'dir', mode: 0o750, uid: 3 })));
    expect(readTar(bytes)).toMatchObject([{ path: '.', type: 'directory', mode: 0o750, uid: 3 }, { path: 'f' }]);
  });

  it('writes no root that no layer describes', async () => {
    expect(paths(await merge(layer().file('f')))).toEqual(['f']);
  });
});

it('gives a valid empty tar for no layers, and for layers without entries', async () => {
  for (const image of [imageOf(), imageOf(new Uint8Array(), layer())]) {
    expect((await mergedTar(image)).bytes).toEqual(Buffer.alloc(1024));
  }
});

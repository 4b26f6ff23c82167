import { chmodSync, lutimesSync, mkdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setXattr } from '@cfskit/linux';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  convertDir,
  convertSquashfs,
  convertTar,
  isClean,
  RenderError,
  verify,
  type VerifyExtra,
  type VerifyReport,
} from '../src/index.ts';
import { failureOf, imageOf, withPath } from './support/images.ts';
import { layer } from './support/layer-builder.ts';
import { isRoot, needs, run } from './support/programs.ts';

const IMAGE = imageOf(
  layer()
    .add({ path: './', type: 'dir', mode: 0o755, mtime: 5 })
    .add({ path: 'd/', type: 'dir', mode: 0o711, mtime: 9 })
    .add({ path: 'd/f', content: 'content', mode: 0o640, mtime: 100, xattrs: { 'user.a': '1' } })
    .file('d/large', new Uint8Array(300_000).fill(7))
    .hardlink('link', 'd/f')
    .symlink('s', 'd/f')
    .fifo('p')
    .file('empty'),
);
const EXTRAS: readonly VerifyExtra[] = ['mtime', 'xattrs', 'links'];
const CLEAN: VerifyReport = { onlyInGenerated: [], onlyInReference: [], differences: [] };

/** Unpack the image twice, change the first result, and compare. */
async function compared(change: (to: string) => void, extras: readonly VerifyExtra[] = []): Promise<VerifyReport> {
  return withPath(async (to, directory) => {
    const reference = join(directory, 'reference');
    await convertDir(IMAGE, to);
    await convertDir(IMAGE, reference);
    change(to);
    const report = await verify({ kind: 'dir', path: to }, reference, { extras });
    expect(isClean(report)).toBe(report.onlyInGenerated.length + report.onlyInReference.length + report.differences.length === 0);
    return report;
  });
}

/** Times, a link and nothing else. */
function changeTimesAndLinks(to: string): void {
  utimesSync(join(to, 'empty'), 7, 7.5);
  lutimesSync(join(to, 's'), 8, 8);
  unlinkSync(join(to, 'link'));
  writeFileSync(join(to, 'link'), 'content', { mode: 0o640 });
  chmodSync(join(to, 'link'), 0o640);
  utimesSync(join(to, 'link'), 100, 100);
  utimesSync(to, 5, 5);
}

describe('directories', () => {
  it('that are equal', async () => expect(await compared(() => undefined, EXTRAS)).toEqual(CLEAN));

  it.each([
    ['a mode', (to: string) => chmodSync(join(to, 'empty'), 0o600), { path: 'empty', detail: 'mode: generated=0600 reference=0644' }],
    ['the mode of the root', (to: string) => chmodSync(to, 0o700), { path: '.', detail: 'mode: generated=0700 reference=0755' }],
    ['a size', (to: string) => writeFileSync(join(to, 'empty'), 'x'), { path: 'empty', detail: 'size: generated=1 reference=0' }],
    [
      'a content',
      (to: string) => writeFileSync(join(to, 'd/large'), new Uint8Array(300_000)),
      { path: 'd/large', detail: 'sha256 mismatch' },
    ],
    [
      'a target',
      (to: string) => {
        unlinkSync(join(to, 's'));
        symlinkSync('elsewhere', join(to, 's'));
      },
      { path: 's', detail: 'symlink target: generated=elsewhere reference=d/f' },
    ],
    [
      'a type',
      (to: string) => {
        unlinkSync(join(to, 'p'));
        writeFileSync(join(to, 'p'), 'x');
      },
      { path: 'p', detail: 'type mismatch: generated=File reference=Fifo' },
    ],
  ])('%s differs', async (_, change, difference) => {
    expect(await compared(change)).toEqual({ ...CLEAN, differences: [difference] });
  });

  it('tells all there is, sorted', async () => {
    const report = await compared((to) => {
      rmSync(join(to, 'd'), { recursive: true });
      mkdirSync(join(to, 'b/c'), { recursive: true });
      writeFileSync(join(to, 'a\n'), '');
      chmodSync(join(to, 'empty'), 0o600);
    });
    expect(report).toEqual({
      onlyInGenerated: ['a\n', 'b', 'b/c'],
      onlyInReference: ['d', 'd/f', 'd/large'],
      differences: [{ path: 'empty', detail: 'mode: generated=0600 reference=0644' }],
    });
  });

  it('compares times, links and attributes when asked to', async () => {
    expect(await compared(changeTimesAndLinks)).toEqual(CLEAN);
    expect((await compared(changeTimesAndLinks, ['mtime'])).differences).toEqual([
      { path: 'empty', detail: 'mtime: generated=7.5 reference=0' },
      { path: 's', detail: 'mtime: generated=8 reference=0' },
    ]);
    expect((await compared(changeTimesAndLinks, ['links'])).differences).toEqual([
      { path: 'd/f', detail: 'hard links: generated=none reference=d/f, link' },
      { path: 'link', detail: 'hard links: generated=none reference=d/f, link' },
    ]);
  });

  it('attributes', async () => {
    const outcomes: string[] = [];
    const report = await compared(
      (to) => {
        outcomes.push(setXattr(Buffer.from(join(to, 'd/f')), Buffer.from('user.a'), Buffer.from('2')));
        outcomes.push(setXattr(Buffer.from(join(to, 'empty')), Buffer.from('user.b'), Buffer.from('3')));
      },
      ['xattrs'],
    );
    const expected = [
      { path: 'd/f', detail: 'xattr user.a: generated="2" reference="1"' },
      { path: 'empty', detail: 'xattr user.b: generated="3" reference=none' },
      { path: 'link', detail: 'xattr user.a: generated="2" reference="1"' },
    ];
    expect(report.differences).toEqual(outcomes.every((outcome) => outcome === 'set') ? expected : report.differences);
  });

  it.runIf(isRoot)('owners, unless they may differ', async () => {
    await withPath(async (to, directory) => {
      await convertDir(imageOf(layer().add({ path: 'f', uid: 5, gid: 6 })), to);
      await convertDir(imageOf(layer().file('f')), join(directory, 'b'));
      const subject = { kind: 'dir', path: to } as const;
      expect((await verify(subject, join(directory, 'b'))).differences).toEqual([
        { path: 'f', detail: 'uid: generated=5 reference=0' },
        { path: 'f', detail: 'gid: generated=6 reference=0' },
      ]);
      expect(await verify(subject, join(directory, 'b'), { ignoreOwnership: true })).toEqual(CLEAN);
    });
  });

  it.runIf(!isRoot)('what cannot be read is told, and the rest compared', async () => {
    const report = await compared((to) => {
      chmodSync(join(to, 'd'), 0);
      chmodSync(join(to, 'empty'), 0o600);
    });
    expect(report.differences).toEqual([
      { path: 'd', detail: 'mode: generated=0000 reference=0711' },
      { path: 'd', detail: 'cannot be read: generated=EACCES' },
      { path: 'empty', detail: 'mode: generated=0600 reference=0644' },
    ]);
  });

  it('that are not there, or files', async () => {
    await withPath(async (to, directory) => {
      expect(await failureOf(verify({ kind: 'dir', path: to }, directory))).toMatchObject({ code: 'ENOENT' });
      writeFileSync(to, '');
      expect(await failureOf(verify({ kind: 'dir', path: directory }, to))).toMatchObject({ code: 'ENOTDIR' });
    });
  });
});

describe('a tar', () => {
  it.each(['stream', 'sorted'] as const)('is what the directory is: %s', async (order) => {
    await withPath(async (to, directory) => {
      await convertTar(IMAGE, to, { order });
      await convertDir(IMAGE, join(directory, 'reference'));
      expect(await verify({ kind: 'tar', path: to }, join(directory, 'reference'), { extras: EXTRAS, ignoreOwnership: !isRoot })).toEqual(
        CLEAN,
      );
    });
  });

  it.runIf(needs('tar'))('made by GNU tar is, too', async () => {
    await withPath(async (to, directory) => {
      await convertDir(IMAGE, join(directory, 'reference'));
      run('tar', '--format=posix', '--sparse', '-C', join(directory, 'reference'), '-cf', to, '.');
      expect(await verify({ kind: 'tar', path: to }, join(directory, 'reference'), { extras: ['mtime', 'links'] })).toEqual(CLEAN);
    });
  });

  it('need not say anything about directories', async () => {
    await withPath(async (to, directory) => {
      await convertDir(imageOf(layer().add({ path: 'd/', type: 'dir', mode: 0o700 }).file('d/e/f', 'x')), join(directory, 'reference'));
      writeFileSync(to, layer().file('d/e/f', 'x').build());
      expect(await verify({ kind: 'tar', path: to }, join(directory, 'reference'), { ignoreOwnership: true })).toEqual(CLEAN);
    });
  });

  it('with a long hole is not hashed to its end when the caller gives up', async () => {
    await withPath(async (to, directory) => {
      const size = 2 ** 33;
      const sparse = { 'GNU.sparse.map': `${size - 1},1`, 'GNU.sparse.size': String(size), 'GNU.sparse.numblocks': '1' };
      writeFileSync(to, layer().add({ path: 'f', content: 'x', pax: sparse }).build());
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error('enough')), 20);
      expect((await failureOf(verify({ kind: 'tar', path: to }, directory, { signal: abort.signal }))).message).toBe('enough');
    });
  });

  it('that cannot be read is an error', async () => {
    await withPath(async (to, directory) => {
      writeFileSync(to, layer().file('f', 'x').build().subarray(0, 700));
      expect(await failureOf(verify({ kind: 'tar', path: to }, directory))).toMatchObject({ code: 'TRUNCATED' });
      writeFileSync(to, layer().hardlink('l', 'nowhere').build());
      expect(await failureOf(verify({ kind: 'tar', path: to }, directory))).toMatchObject({ code: 'INVALID_HEADER' });
    });
  });
});

describe.runIf(needs('mksquashfs'))('a squashfs image', () => {
  it.each(['zstd', 'gzip'] as const)('is what the directory is: %s', async (compression) => {
    await withPath(async (to, directory) => {
      await convertSquashfs(IMAGE, to, { compression });
      await convertDir(IMAGE, join(directory, 'reference'));
      const report = await verify({ kind: 'squashfs', path: to }, join(directory, 'reference'), {
        extras: EXTRAS,
        ignoreOwnership: !isRoot,
      });
      expect({ ...report, differences: report.differences.filter(({ path }) => path !== '.') }).toEqual(CLEAN);
    });
  });

  it('with fragments, many owners, long names, large directories, and attributes that files share', async () => {
    await withPath(async (to, directory) => {
      const many = layer();
      for (let i = 0; i < 3000; i++)
        many.add({
          path: `d/${'n'.repeat(i % 200)}${i}`,
          content: `${i}`,
          uid: i,
          ...(i % 2 === 0 && { xattrs: { 'user.same': 'v'.repeat(100) } }),
        });
      await convertTar(imageOf(many.file('tail', new Uint8Array(200_000).fill(1))), join(directory, 'tar'));
      run('sh', '-c', `mksquashfs - ${to} -tar -noappend -comp gzip -quiet -no-progress < ${join(directory, 'tar')}`);
      await convertDir(imageOf(many), join(directory, 'reference'));
      const report = await verify({ kind: 'squashfs', path: to }, join(directory, 'reference'), {
        extras: ['xattrs', 'links'],
        ignoreOwnership: !isRoot,
      });
      expect({ ...report, differences: report.differences.filter(({ path }) => path !== '.') }).toEqual(CLEAN);
    });
  });

  it('cut short, damaged or of another kind is an error of ours, or a difference', async () => {
    await withPath(async (to, directory) => {
      await convertSquashfs(IMAGE, to, { compression: 'gzip' });
      const good = readFileSync(to);
      const damage = fc.record({ at: fc.nat(good.length - 1), value: fc.nat(255), end: fc.option(fc.nat(good.length)) });
      await fc.assert(
        fc.asyncProperty(damage, async ({ at, value, end }) => {
          const bytes = Buffer.from(good.subarray(0, end ?? good.length));
          if (at < bytes.length) bytes[at] = value;
          writeFileSync(to, bytes);
          const outcome = await verify({ kind: 'squashfs', path: to }, directory).catch((error: unknown) => error);
          expect(outcome instanceof RenderError ? outcome.code : 'report').toMatch(/^(?:INVALID_IMAGE|report)$/);
        }),
        { numRuns: 150 },
      );
      writeFileSync(to, 'no squashfs image'.repeat(100));
      expect((await failureOf(verify({ kind: 'squashfs', path: to }, directory))).message).toContain('no squashfs image');
    });
  });

  it('whose tables lie is an error of ours, also where contents are compared', async () => {
    await withPath(async (to, directory) => {
      const image = imageOf(layer().file('f', 'x'));
      await convertTar(image, join(directory, 'tar'));
      run('sh', '-c', `mksquashfs - ${to} -tar -noappend -comp gzip -quiet -no-progress < ${join(directory, 'tar')}`);
      await convertDir(image, join(directory, 'reference'), { owner: 'ignore' });
      const bytes = readFileSync(to);
      bytes.fill(0xff, Number(bytes.readBigUInt64LE(80)), Number(bytes.readBigUInt64LE(80)) + 8); // where the first block of the fragment table is
      writeFileSync(to, bytes);
      expect(await failureOf(verify({ kind: 'squashfs', path: to }, join(directory, 'reference')))).toMatchObject({
        code: 'INVALID_IMAGE',
      });
    });
  });

  it('with blocks that are not read here is refused by name', async () => {
    await withPath(async (to, directory) => {
      await convertSquashfs(IMAGE, to, { compression: 'xz' });
      const error = await failureOf(verify({ kind: 'squashfs', path: to }, directory));
      expect([error.code, error.message]).toEqual([
        'INVALID_IMAGE',
        expect.stringContaining('compressed with xz, only gzip and zstd are read'),
      ]);
    });
  });
});

describe('a directory', () => {
  it('may be deeper than the paths that the kernel takes', async () => {
    await withPath(async (to, directory) => {
      const image = imageOf(layer().file(`${`${'d'.repeat(200)}/`.repeat(30)}f`, 'x'));
      await convertTar(image, join(directory, 'tar'));
      await convertDir(image, to, { owner: 'ignore' });
      const report = await verify({ kind: 'tar', path: join(directory, 'tar') }, to, { ignoreOwnership: true });
      run('rm', '-rf', to);
      expect(report).toEqual(CLEAN);
    });
  });
});

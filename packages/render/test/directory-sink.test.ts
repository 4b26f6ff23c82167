import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { capabilities, getXattr } from '@cfskit/linux';
import { describe, expect, it } from 'vitest';
import { convertDir, type DirectorySpec, type LayerProgress, type RenderResult } from '../src/index.ts';
import { beside } from './support/beside.ts';
import { failureOf, imageOf, withPath } from './support/images.ts';
import { layer, type LayerBuilder } from './support/layer-builder.ts';
import { isRoot, run } from './support/programs.ts';

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;

async function unpack(to: string, one: LayerBuilder, options: Omit<DirectorySpec, 'kind' | 'to'> = {}): Promise<RenderResult> {
  return convertDir(imageOf(one), to, options);
}

const modeOf = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

/** Symbolic links out of a target. */
function links(to: string): void {
  mkdirSync(join(to, 'real'), { recursive: true });
  symlinkSync('../outside', join(to, 'd'));
  symlinkSync('../outside/secret', join(to, 'f'));
  symlinkSync('../outside', join(to, 'implied'));
  symlinkSync('../outside/secret', join(to, 'real/l'));
}

describe('metadata', () => {
  it('modes are exact, whatever the umask, and set-uid stays', async () => {
    const before = process.umask(0o077);
    try {
      await withPath(async (to) => {
        await unpack(
          to,
          layer()
            .add({ path: 'd/', type: 'dir', mode: 0o2775, uid, gid })
            .add({ path: 'd/f', mode: 0o4755, uid, gid })
            .add({ path: 'g', mode: 0o666, uid, gid })
            .fifo('p'),
        );
        expect([modeOf(join(to, 'd')), modeOf(join(to, 'd/f')), modeOf(join(to, 'g')), modeOf(join(to, 'p'))]).toEqual([
          '2775',
          '4755',
          '666',
          '644',
        ]);
      });
    } finally {
      process.umask(before);
    }
  });

  it('directories that forbid writing get their files', async () => {
    await withPath(async (to) => {
      await unpack(
        to,
        layer().add({ path: 'a/', type: 'dir', mode: 0o500 }).add({ path: 'a/b/', type: 'dir', mode: 0 }).file('a/b/f', 'x', 0o400),
      );
      expect([modeOf(join(to, 'a')), isRoot ? modeOf(join(to, 'a/b')) : '0']).toEqual(['500', '0']);
      chmodSync(join(to, 'a'), 0o700);
      chmodSync(join(to, 'a/b'), 0o700);
      expect(readFileSync(join(to, 'a/b/f'), 'utf8')).toBe('x');
    });
  });

  it('times are exact, of directories and links too', async () => {
    await withPath(async (to) => {
      const one = layer()
        .add({ path: 'd/', type: 'dir', mtime: 1000.5 })
        .add({ path: 'd/f', mtime: 0 })
        .add({ path: 'd/s', type: 'symlink', target: 'x', mtime: 5 });
      const { report } = await unpack(to, one.add({ path: 'd/old', mtime: -2.5 }));
      const times = ['d', 'd/f', 'd/s', 'd/old'].map((name) => lstatSync(join(to, name), { bigint: true }).mtimeNs);
      const exact = [1_000_500_000_000n, 0n, 5_000_000_000n, -2_500_000_000n];
      expect(times).toEqual(report.timesRounded === 0 ? exact : times);
    });
  });

  it('the root gets what a layer says', async () => {
    await withPath(async (to) => {
      await unpack(to, layer().add({ path: './', type: 'dir', mode: 0o711, mtime: 7 }).file('f'));
      expect([modeOf(to), statSync(to).mtimeMs]).toEqual(['711', 7000]);
    });
  });

  it("a root that no layer describes is 0755 if it is made, and the user's if it was there", async () => {
    await withPath(async (to, directory) => {
      await unpack(to, layer().file('f'));
      expect([modeOf(to), statSync(to).mtimeMs]).toEqual(['755', 0]);
      const mine = join(directory, 'mine');
      mkdirSync(mine, { mode: 0o700 });
      await unpack(mine, layer().file('f'));
      expect(modeOf(mine)).toBe('700');
    });
  });

  it('implied directories are 0755 and of 1970', async () => {
    await withPath(async (to) => {
      await unpack(to, layer().file('a/b/f'));
      expect([modeOf(join(to, 'a/b')), lstatSync(join(to, 'a/b')).mtimeMs]).toEqual(['755', 0]);
    });
  });

  it('a FIFO is a FIFO', async () => {
    await withPath(async (to) => {
      await unpack(to, layer().fifo('p'));
      expect(lstatSync(join(to, 'p')).isFIFO()).toBe(true);
    });
  });

  it('hard links are links, of symbolic links too', async () => {
    await withPath(async (to) => {
      await unpack(to, layer().file('f', 'x').hardlink('d/l', 'f').symlink('s', 'nowhere').hardlink('t', 's'));
      expect(lstatSync(join(to, 'f')).ino).toBe(lstatSync(join(to, 'd/l')).ino);
      expect(lstatSync(join(to, 's')).ino).toBe(lstatSync(join(to, 't')).ino);
    });
  });

  it('names are bytes', async () => {
    await withPath(async (to) => {
      await unpack(to, layer().add({ path: Buffer.from('caf\xe9', 'latin1') }));
      expect(readdirSync(to, { encoding: 'buffer' }).map((name) => name.toString('latin1'))).toEqual(['caf\xe9']);
    });
  });

  it('paths may be longer than the kernel takes them', async () => {
    await withPath(async (to) => {
      const deep = `${'d'.repeat(200)}/`.repeat(50);
      await unpack(to, layer().file(`${deep}f`, 'x').hardlink('l', `${deep}f`));
      expect([readFileSync(join(to, 'l'), 'utf8'), lstatSync(join(to, 'l')).nlink]).toEqual(['x', 2]);
      run('rm', '-rf', to);
    });
  });

  it('ends when the caller gives up, also among links', async () => {
    await withPath(async (to) => {
      const abort = new AbortController();
      const many = layer().add({ path: 'f', uid, gid });
      for (let i = 0; i < 10_000; i++) many.hardlink(`l${i}`, 'f');
      const onProgress = ({ type }: LayerProgress): void => {
        if (type === 'layerFinished') setImmediate(() => abort.abort(new Error('enough')));
      };
      expect((await failureOf(convertDir(imageOf(many), to, { signal: abort.signal, onProgress }))).message).toBe('enough');
      expect(readdirSync(to).length).toBeLessThan(10_000);
    });
  });

  it('directories on the way to it are as any others', async () => {
    await withPath(async (to) => {
      await unpack(join(to, 'a/b'), layer().add({ path: 'f', uid, gid }));
      const umask = process.umask();
      expect([statSync(to), statSync(join(to, 'a'))].map(({ mode }) => mode & 0o777)).toEqual([0o777 & ~umask, 0o777 & ~umask]);
    });
  });

  it('holes stay holes', async () => {
    await withPath(async (to) => {
      const name = 'GNU.sparse.map';
      const one = layer().add({
        path: 'f',
        content: 'ab',
        pax: { [name]: '0,1,30000000,1', 'GNU.sparse.size': '60000000', 'GNU.sparse.numblocks': '2' },
      });
      const { bytes } = await unpack(to, one);
      const { size, blocks } = statSync(join(to, 'f'));
      expect([size, bytes, readFileSync(join(to, 'f'))[30_000_000]]).toEqual([60_000_000, 60_000_000, 98]);
      expect(blocks * 512).toBeLessThan(60_000_000);
    });
  });
});

describe('owners', () => {
  const foreign = layer().add({ path: 'f', uid: 12_345, gid: 54_321 }).add({ path: 's', type: 'symlink', target: 'x', uid: 12_345 });

  it.runIf(isRoot)('are set by root', async () => {
    await withPath(async (to) => {
      const { report } = await unpack(to, foreign.add({ path: 'big', uid: 4_000_000_000, gid: 70_000, mode: 0o6755 }));
      expect([lstatSync(join(to, 'f')).uid, lstatSync(join(to, 'f')).gid, lstatSync(join(to, 's')).uid]).toEqual([12_345, 54_321, 12_345]);
      expect([lstatSync(join(to, 'big')).uid, modeOf(join(to, 'big')), report.ownersSkipped]).toEqual([4_000_000_000, '6755', 0]);
    });
  });

  it.runIf(!isRoot)('are left out by others, and counted', async () => {
    await withPath(async (to) => {
      const { report } = await unpack(to, foreign.add({ path: 'mine', uid, gid }));
      expect([lstatSync(join(to, 'f')).uid, report.ownersSkipped]).toEqual([uid, 3]); // the root directory, too
      expect(await failureOf(unpack(join(to, 'b'), foreign, { owner: 'require' }))).toMatchObject({ code: 'OWNER_REFUSED' });
    });
  });

  it("are nobody's where they stand for no owner", async () => {
    await withPath(async (to) => {
      const { report } = await unpack(to, layer().add({ path: 'f', uid: 0xffffffff }));
      expect(report.ownersSkipped).toBeGreaterThan(0);
    });
  });

  it('are left alone where that is wanted', async () => {
    await withPath(async (to) => {
      const { report } = await unpack(to, layer().add({ path: 'f', uid: 12_345 }), { owner: 'ignore' });
      expect([lstatSync(join(to, 'f')).uid, report.ownersSkipped]).toEqual([uid, 0]);
    });
  });
});

describe('attributes', () => {
  it('are set, on files that nobody may write, and on directories', async () => {
    await withPath(async (to) => {
      const xattrs = { 'user.a': 'b\0c' };
      const { report } = await unpack(
        to,
        layer()
          .add({ path: 'd/', type: 'dir', mode: 0o500, xattrs })
          .add({ path: 'd/f', mode: 0o400, xattrs })
          .add({ path: 's', type: 'symlink', target: 'x', xattrs }),
      );
      const found = getXattr(Buffer.from(join(to, 'd/f')), Buffer.from('user.a'));
      const isSet = found instanceof Uint8Array;
      // No user attributes on symbolic links, and none at all without koffi.
      expect([isSet ? Buffer.from(found).toString() : '', report.xattrsSkipped]).toEqual(isSet ? ['b\0c', 1] : ['', 3]);
    });
  });

  it('that no file can have are counted, or an error', async () => {
    await withPath(async (to, directory) => {
      const one = layer().add({ path: 'f', xattrs: { 'user.big': 'x'.repeat(70_000), 'nonsense.a': 'x' } });
      expect((await unpack(to, one)).report.xattrsSkipped).toBe(2);
      expect(await failureOf(unpack(join(directory, 'b'), one, { xattrErrors: 'require' }))).toMatchObject({ code: 'XATTR_REFUSED' });
    });
  });

  it.runIf(isRoot && capabilities().xattrs.means === 'native')('keeps capabilities, which a change of the owner takes away', async () => {
    await withPath(async (to) => {
      const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
      const { report } = await unpack(to, layer().add({ path: 'f', uid: 5, mode: 0o755, xattrs: { 'security.capability': capability } }));
      const found = getXattr(Buffer.from(join(to, 'f')), Buffer.from('security.capability'));
      expect([report.xattrsSkipped, found]).toEqual([0, new Uint8Array(capability)]);
    });
  });
});

describe('devices', () => {
  const one = layer()
    .add({ path: 'null', type: 'char', device: [1, 3], mode: 0o666 })
    .hardlink('link', 'null')
    .file('f');

  it.runIf(isRoot)('are made by root', async () => {
    await withPath(async (to) => {
      await unpack(to, one);
      expect([lstatSync(join(to, 'null')).isCharacterDevice(), lstatSync(join(to, 'null')).rdev, modeOf(join(to, 'link'))]).toEqual([
        true,
        0x103,
        '666',
      ]);
    });
  });

  it.runIf(!isRoot)('are left out by others with what links to them, or an error, or empty files', async () => {
    await withPath(async (to, directory) => {
      const { report } = await unpack(to, one);
      expect([readdirSync(to), report.devicesSkipped]).toEqual([['f'], 2]);
      expect(await failureOf(unpack(join(directory, 'b'), one, { devices: 'error' }))).toMatchObject({ code: 'DEVICE_REFUSED' });
      const placeholders = await unpack(join(directory, 'c'), one, { devices: 'placeholder' });
      expect([readdirSync(join(directory, 'c')).toSorted(), placeholders.report.devicesSkipped]).toEqual([['f', 'link', 'null'], 1]);
      expect(lstatSync(join(directory, 'c/null'))).toMatchObject({ size: 0, nlink: 2 });
    });
  });
});

describe('nothing leads out', () => {
  it.each([
    ['..', layer().file('../outside/new')],
    ['.. in the middle', layer().dir('a').file('a/../../outside/new')],
    ['a hard link out', layer().hardlink('l', '../outside/secret')],
    ['a hard link to the root', layer().hardlink('l', '..')],
    ['a name with a NUL', layer().add({ path: 'f', pax: { path: 'a\0b' } })],
    ['a name of dots', layer().file('a/..')],
    ['a symbolic link that leads to itself', layer().symlink('outside', '../outside').file('outside/new')],
  ])('%s is refused, and nothing is made', async (_, one) => {
    expect((await beside(imageOf(one)))[0]).toBe('LAYER_FAILED');
  });

  it.each([
    ['a symbolic link up, and a file behind it', layer().symlink('up', '../outside').file('up/new')],
    ['an absolute one', layer().symlink('up', '/outside').file('up/new')],
    ['a chain', layer().dir('a/b/c').symlink('a/b/c/up', '../..').symlink('a/b/escape', 'c/up/../..').file('a/b/escape/new')],
    ['one in the place of the root', layer().add({ path: 'sub/parent', type: 'symlink', target: '..' }).file('sub/parent/new')],
    ['a hard link through one', layer().symlink('up', '../outside').hardlink('l', 'up/secret')],
    ['a hard link to one, and a file behind that', layer().symlink('up', '../outside').hardlink('l', 'up').file('l/new')],
    ['a file onto one', layer().symlink('s', '../outside/secret').file('s', 'overwritten')],
    ['a directory onto one', layer().symlink('s', '../outside').add({ path: 's/', type: 'dir', mode: 0o777 }).file('s/new')],
    [
      'metadata through one',
      layer().add({ path: 's', type: 'symlink', target: '../outside/secret', mode: 0o777, uid: 5, mtime: 9, xattrs: { 'user.a': 'b' } }),
    ],
    ['an absolute name', layer().file('/outside/new')],
  ])('%s stays inside', async (_, one) => {
    expect(await beside(imageOf(one))).toEqual([]);
  });

  it('a symbolic link for the root is refused', async () => {
    expect((await beside(imageOf(layer().symlink('/.', '/outside').file('secret', 'x'))))[0]).toBe('LAYER_FAILED');
  });

  it('what is in the target already is not followed', async () => {
    expect(
      await beside(
        imageOf(layer().dir('d').file('d/new').file('f', 'x').file('t').hardlink('real/l', 't')),
        { merge: true },
        { prepare: links },
      ),
    ).toEqual([]);
    expect(await beside(imageOf(layer().file('implied/new')), { merge: true }, { prepare: links })).toEqual([
      'TARGET_BLOCKED',
      expect.stringMatching(/^E(?:LOOP|NOTDIR)$/),
    ]);
  });

  it('symbolic links keep their targets, wherever they lead', async () => {
    await withPath(async (to) => {
      await unpack(to, layer().symlink('a', '/etc/passwd').symlink('b', '../../x'));
      expect([readlinkSync(join(to, 'a')), readlinkSync(join(to, 'b'))]).toEqual(['/etc/passwd', '../../x']);
    });
  });
});

describe('the target', () => {
  it('must be empty, or a directory at all', async () => {
    await withPath(async (to, directory) => {
      mkdirSync(to);
      await unpack(to, layer().file('f'));
      expect(await failureOf(unpack(to, layer().file('f')))).toMatchObject({ code: 'TARGET_NOT_EMPTY' });
      expect(await failureOf(unpack(join(to, 'f'), layer().file('f')))).toMatchObject({ code: 'TARGET_BLOCKED' });
      symlinkSync('nowhere', join(directory, 'dangling'));
      expect(await failureOf(unpack(join(directory, 'dangling'), layer().file('f')))).toMatchObject({ code: 'TARGET_BLOCKED' });
    });
  });

  it('is not made for an image that cannot be read', async () => {
    await withPath(async (to) => {
      await failureOf(unpack(to, layer().file('a/../b')));
      expect(existsSync(to)).toBe(false);
    });
  });

  it('is merged into when that is wanted', async () => {
    await withPath(async (to) => {
      mkdirSync(join(to, 'dir/sub'), { recursive: true });
      for (const name of ['keep', 'file', 'link', 'dir/keep', 'becomes-dir']) writeFileSync(join(to, name), 'old');
      mkdirSync(join(to, 'becomes-file'));
      chmodSync(join(to, 'dir'), 0o700);
      const one = layer()
        .file('file', 'new')
        .file('other')
        .hardlink('link', 'other')
        .file('dir/sub/f')
        .dir('becomes-dir')
        .file('becomes-file', 'new')
        .symlink('s', 'x');
      await unpack(to, one, { merge: true });
      expect(readdirSync(to, { recursive: true, encoding: 'utf8' }).toSorted()).toEqual([
        'becomes-dir',
        'becomes-file',
        'dir',
        'dir/keep',
        'dir/sub',
        'dir/sub/f',
        'file',
        'keep',
        'link',
        'other',
        's',
      ]);
      expect([readFileSync(join(to, 'file'), 'utf8'), lstatSync(join(to, 'link')).nlink, modeOf(join(to, 'dir'))]).toEqual([
        'new',
        2,
        '700',
      ]);
      await unpack(to, one, { merge: true });
    });
  });

  it('keeps directories that are in the way of a file, unless they are empty', async () => {
    await withPath(async (to) => {
      mkdirSync(join(to, 'f/x'), { recursive: true });
      const error = await failureOf(unpack(to, layer().file('f'), { merge: true }));
      expect([error.code, readdirSync(to)]).toEqual(['TARGET_BLOCKED', ['f']]);
    });
  });
});

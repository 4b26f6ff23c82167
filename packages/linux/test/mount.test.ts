import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, truncateSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { hasProgram } from '../src/helper.ts';
import { bytes } from './bytes.ts';
import { load, useDirectory } from './means.ts';

const { capabilities, closeDescriptor, fsopen, setXattr } = await load('koffi');

// Whoever may mount can make a mount namespace; others get one together with a user namespace, where that is allowed.
const asRoot = process.getuid?.() === 0 && capabilities().mounts.means === 'native';
const UNSHARE = asRoot ? ['-m'] : ['-rm'];
const possible = hasProgram('unshare') && (asRoot || spawnSync('unshare', [...UNSHARE, 'true']).status === 0);
const inCi = process.env['CI'] === 'true';
/** EROFS takes a real root. Where the kernel has it, CI must have the program, too. */
const imagesPossible = asRoot && knows('erofs') && (inCi || hasProgram('mkfs.erofs'));
/** Data-only layers came with Linux 6.5, their verity checks with 6.6. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const overlaysPossible = imagesPossible && knows('overlay') && (major > 6 || (major === 6 && minor >= 6));

describe.runIf(possible)('mounts', () => {
  const temporary = useDirectory();
  const directory = (): string => realpathSync(temporary());

  function scene(name: string): never {
    const script = fileURLToPath(new URL('./children/mounts.ts', import.meta.url));
    const args = [...UNSHARE, process.execPath, '--conditions=source', script, name, directory()];
    return JSON.parse(execFileSync('unshare', args, { encoding: 'utf8' })) as never;
  }

  it('makes, attaches, changes, copies and takes away a file system', () => {
    const seen: Record<string, unknown> = scene('tmpfs');
    expect(seen).toMatchObject({ written: 'EROFS', busy: 'EBUSY', content: 'z', left: [null, null], none: 'EINVAL' });
    expect(seen['before']).toBeUndefined();
    expect(String(seen['attributes']).split(',')).toEqual(expect.arrayContaining(['ro', 'nosuid', 'noexec']));
    expect(String(seen['attributes']).split(',')).not.toContain('nodev');
  });

  it('has the messages of the kernel in its errors', () => {
    expect(scene('errors')).toEqual({
      unknown: expect.stringMatching(/^EINVAL: .*nonsense.*fsconfig 'nonsense=x'$/) as unknown,
      flag: expect.stringMatching(/^EINVAL: .*size.*fsconfig 'size'$/) as unknown,
      early: expect.stringMatching(/^EINVAL: .*fsmount$/) as unknown,
      type: expect.stringMatching(/^ENODEV: .*fsopen 'nonsense'$/) as unknown,
      target: expect.stringMatching(/^(ENOENT|EINVAL): .*move_mount '\/nonexistent'$/) as unknown,
    });
  });

  describe.runIf(imagesPossible)('of images', () => {
    beforeEach(() => {
      const source = join(directory(), 'source');
      mkdirSync(join(source, 'dir'), { recursive: true });
      mkdirSync(join(directory(), 'objects/ab'), { recursive: true });
      writeFileSync(join(source, 'inline'), 'in the image');
      writeFileSync(join(source, 'dir/file'), '');
      truncateSync(join(source, 'dir/file'), 17);
      writeFileSync(join(directory(), 'objects/ab/cdef'), 'among the objects');
      // An fs-verity digest as overlayfs wants it: version 0, 36 bytes, flags 0, sha256.
      setXattr(join(source, 'dir/file'), bytes('trusted.overlay.metacopy'), Uint8Array.of(0, 36, 0, 1, ...new Uint8Array(32)));
      setXattr(join(source, 'dir/file'), bytes('trusted.overlay.redirect'), bytes('/ab/cdef'));
      execFileSync('mkfs.erofs', [join(directory(), 'image'), source], { stdio: 'ignore' });
    });

    const expected = { names: ['dir', 'inline'], inline: 'in the image', messages: [] };

    it('mounts an image', () => {
      expect(scene('erofs')).toMatchObject({ ...expected, entry: { type: 'erofs' } });
    });

    it.runIf(existsSync('/dev/loop-control'))('mounts an image from a loop device', () => {
      const loop: { entry: Record<string, string> } = scene('loop');
      expect(loop).toMatchObject({ ...expected, entry: { type: 'erofs', source: expect.stringMatching(/^\/dev\/loop\d+$/) as unknown } });
      expect(loop.entry['options']?.split(',')).toContain('nodev');
      expect(backingFiles()).not.toContain(join(directory(), 'image'));
    });

    it('says what is wrong with something that is no image', () => {
      expect(scene('notErofs')).toMatch(/^(EINVAL|EFSCORRUPTED|ENOTSUP|EUNKNOWN): /);
    });

    it.runIf(overlaysPossible)('mounts image and objects as one, read-only', () => {
      const seen: { entry: Record<string, string> } = scene('composefs');
      expect(seen).toMatchObject({ verity: false, content: 'among the objects', names: ['file'], written: 'EROFS', left: [] });
      expect(seen.entry).toMatchObject({ type: 'overlay', source: 'composefs:test' });
      expect(seen.entry['superOptions']?.split(',')).toEqual(expect.arrayContaining(['metacopy=on', 'redirect_dir=on']));
      expect(seen.entry['options']?.split(',')).toContain('ro');
    });

    it.runIf(overlaysPossible)('looks for objects in several directories', () => {
      expect(scene('several')).toBe('among the objects');
    });

    it.runIf(overlaysPossible)('lets the kernel check digests', () => {
      expect(scene('verity')).toEqual({ verity: true, read: 'EIO' });
    });

    it.runIf(overlaysPossible)('mounts with a writable layer', () => {
      const seen: { entry: Record<string, string> } = scene('writable');
      expect(seen).toMatchObject({ content: 'changed', upper: ['file'] });
      expect(seen.entry['options']?.split(',')).toEqual(expect.arrayContaining(['rw', 'noexec']));
    });
  });
});

it.runIf(inCi && asRoot)('is tried in CI, where root may mount', () => {
  expect(possible).toBe(true);
});

it('is unsupported without koffi', async () => {
  const linux = await load('fallbacks');
  for (const act of [() => linux.fsopen('tmpfs'), () => linux.moveMount(0, '/'), () => linux.umount('/nonexistent')]) {
    expect(act).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  }
});

function knows(type: string): boolean {
  try {
    closeDescriptor(fsopen(type)); // loads the module, too
    return true;
  } catch {
    return false;
  }
}

/** Files that loop devices show. */
function backingFiles(): string[] {
  const paths = readdirSync('/sys/block').map((device) => join('/sys/block', device, 'loop/backing_file'));
  return paths.filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8').trim());
}

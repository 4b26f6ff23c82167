import { chmodSync, readdirSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { load, MEANS, useDirectory } from './means.ts';

describe('capabilities', () => {
  it('is native with koffi', async () => {
    const { capabilities } = await load('koffi');
    const { mounts, openBeneath, ...always } = capabilities();
    expect(Object.values(always).map(({ means }) => means)).toEqual(Array.from({ length: 10 }, () => 'native'));
    expect(always.koffi.by).toMatch(/^koffi 3\./);
    expect(openBeneath.means).not.toBe('absent');
    // Only root may mount, and in a container not even that; ordinary-user.test.ts sees what others get.
    expect(mounts.by).toMatch(/^(koffi 3\.|not permitted$|needs Linux)/);
  });

  it('names what stands in without koffi', async () => {
    const { capabilities } = await load('fallbacks');
    expect(capabilities()).toMatchObject({
      koffi: { means: 'absent', by: 'switched off by CFSKIT_NO_KOFFI=1' },
      unnamedFiles: { means: 'fallback' },
      reflink: { means: 'fallback' },
      verity: { means: 'absent' },
      blockHash: { means: 'fallback', by: 'node:crypto' },
      xattrs: { means: 'absent' },
      directoryCalls: { means: 'fallback' },
      openBeneath: { means: 'fallback' },
      messages: { means: 'absent' },
      mounts: { means: 'absent', by: 'switched off by CFSKIT_NO_KOFFI=1' },
    });
    vi.stubEnv('PATH', '/nonexistent');
    expect(capabilities().flock).toEqual({ means: 'absent', by: 'no program flock' });
    expect(capabilities().syncfs).toEqual({ means: 'absent', by: 'no program sync' });
    vi.unstubAllEnvs();
  });
});

describe.each(MEANS)('probeDirectory by %s', async (means) => {
  const { probeDirectory } = await load(means);
  const directory = useDirectory('/dev/shm');

  it('finds out what tmpfs can do, and leaves nothing behind', () => {
    expect(probeDirectory(directory(), 'sha512')).toEqual({
      writability: 'writable',
      unnamedFiles: means === 'koffi',
      reflink: false,
      verity: false,
    });
    expect(readdirSync(directory())).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0)('tries nothing where it may not write', () => {
    chmodSync(directory(), 0o555);
    expect(probeDirectory(directory(), 'sha512')).toEqual({ writability: 'denied', unnamedFiles: false, reflink: false, verity: false });
  });

  it('reports a directory that is not there', () => {
    expect(() => probeDirectory(`${directory()}/none`, 'sha512')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});

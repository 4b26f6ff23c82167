import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scanDirectory, type ScanOptions } from '../src/index.ts';
import { useDirectory } from './directory.ts';

describe('what changes while it is scanned', () => {
  const path = useDirectory();
  const at = (name: string): string => join(path(), name);

  /** Scans in this thread, and calls `meddle` after the first batch of files: with the walk in the middle of a directory. */
  function scan(meddle: () => void, options: Partial<ScanOptions> = {}): ReturnType<typeof scanDirectory> {
    let isFirst = true;
    const onProgress = (): void => {
      if (isFirst) meddle();
      isFirst = false;
    };
    return scanDirectory(path(), { algorithm: 'sha256', threads: 1, onProgress, ...options });
  }

  /** More files than a batch has. `walked` are in the order in which the walk meets them. */
  function fill(): { walked: string[] } {
    for (let index = 0; index < 200; index++) writeFileSync(at(`f${index}`), 'x'.repeat(70));
    return { walked: readdirSync(path(), { encoding: 'latin1' }) };
  }

  it.each([
    ['removed', (file: string) => rmSync(file)],
    ['replaced by another file', (file: string) => (writeFileSync(`${file}.new`, 'y'.repeat(70)), renameSync(`${file}.new`, file))],
    ['replaced by a link', (file: string) => (rmSync(file), symlinkSync('/etc/passwd', file))],
    ['replaced by a directory', (file: string) => (rmSync(file), mkdirSync(file))],
  ])('a file is %s', async (_, change) => {
    const { walked } = fill();
    const scanning = scan(() => change(at(walked.at(-1) ?? '')));
    await expect(scanning).rejects.toMatchObject({ name: 'FsScanError', code: 'CHANGED' });
  });

  it('a file grows before it is read: what is there then counts', async () => {
    const { walked } = fill();
    const last = walked.at(-1) ?? '';
    const { root } = await scan(() => appendFileSync(at(last), 'more'));
    expect(root.get(last)).toMatchObject({ content: { size: 74 } });
  });

  it('a directory gets an entry while its names are gone through', async () => {
    fill();
    await expect(scan(() => writeFileSync(at('new'), ''))).rejects.toMatchObject({ code: 'CHANGED', path: '/' });
  });

  it('a directory is replaced by a link before it is read', async () => {
    mkdirSync(at('outside'));
    writeFileSync(at('outside/secret'), '');
    mkdirSync(at('scanned/z/sub'), { recursive: true });
    mkdirSync(at('scanned/a'));
    for (let index = 0; index < 200; index++) {
      writeFileSync(at(`scanned/a/f${index}`), '');
      writeFileSync(at(`scanned/z/f${index}`), '');
    }
    // Whichever of the two the walk reads first, the other one is still to come.
    const swap = (name: string): void => {
      renameSync(at(`scanned/${name}`), at(`moved-${name}`));
      symlinkSync('../outside', at(`scanned/${name}`));
    };
    for (const name of ['a', 'z']) {
      const scanning = scanDirectory(at('scanned'), { algorithm: 'sha256', threads: 1, onProgress: once(() => swap(name)) });
      await expect(scanning).rejects.toMatchObject({ code: 'CHANGED' });
      rmSync(at(`scanned/${name}`));
      renameSync(at(`moved-${name}`), at(`scanned/${name}`));
    }
  });
});

function once(act: () => void): () => void {
  let isFirst = true;
  return () => {
    if (isFirst) act();
    isFirst = false;
  };
}

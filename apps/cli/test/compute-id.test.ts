import { mkdirSync, symlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fsVerityDigest } from '@cfskit/fs-verity';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasXattrs, LARGE_ID, LARGE_PATH } from './directory-fixture.ts';
import { failure, json, ok, run, scratch } from './harness.ts';
import { storeDirectory, type StoredDirectory } from './image-fixture.ts';

interface Candidate {
  readonly image_id?: string;
  readonly format: number;
  readonly algorithm: string;
  readonly xattrs?: string;
}

describe.runIf(hasXattrs)('ids of directories', () => {
  const path = scratch();
  let stored: StoredDirectory;
  const compute = (...argv: string[]): Promise<string> => ok(['compute-id', '-q', stored.root, ...argv]);
  beforeAll(async () => {
    stored = await storeDirectory(path());
  });

  it('are those of create-image, without a repository', async () => {
    expect(await compute('--no-repo')).toBe(`${stored.id}\n`);
    expect(await compute('--repo', stored.repo)).toBe(`${stored.id}\n`);
  });

  it('depend on format, algorithm and attributes', async () => {
    const settings = [[], ['--erofs-version', '0'], ['--erofs-version', '2'], ['--hash', 'sha256'], ['--xattrs', 'keep-user-xattrs']];
    const ids = await Promise.all(settings.map((argv) => compute('--no-repo', ...argv)));
    expect(new Set(ids).size).toBe(settings.length);
  });

  it('have the algorithm of the repository, where there is one, but not its format', async () => {
    const repo = path('sha256');
    await ok(['init', '--insecure', '--hash', 'sha256', '--erofs-version', '2', repo]);
    const wanted = await compute('--no-repo', '--hash', 'sha256');
    expect(await compute('--repo', repo)).toBe(wanted);
    expect(await ok(['compute-id', '-q', stored.root], { env: { CFSKIT_REPO: repo } })).toBe(wanted);
    expect(await ok(['compute-id', '-q', stored.root], { env: { HOME: path('nobody') } })).toBe(`${stored.id}\n`);
    expect(await ok(['compute-id', '-q', stored.root], {})).toBe(`${stored.id}\n`);
  });

  it('are told with their settings as JSON', async () => {
    expect(await json('compute-id', ['compute-id', '-q', '--no-repo', stored.root])).toEqual({
      image_id: stored.id,
      format: 1,
      algorithm: 'sha512',
      xattrs: 'allowlist-only',
    });
    const plain = await json('compute-id', ['compute-id', '-q', '--no-repo', '--no-propagate-usr-to-root', stored.root]);
    expect(plain).not.toHaveProperty('xattrs');
  });

  it('are all there with --explain', async () => {
    const { candidates } = (await json('compute-id-explain', ['compute-id', '-q', '--explain', stored.root])) as {
      candidates: Candidate[];
    };
    expect(candidates).toHaveLength(12);
    for (const { image_id: id, format, algorithm, xattrs } of candidates) {
      expect(await compute('--no-repo', '--hash', algorithm, '--erofs-version', String(format), '--xattrs', xattrs!)).toBe(`${id}\n`);
    }
    const table = await compute('--explain');
    expect(table).toMatch(/^FORMAT {2}XATTRS {12}ALGORITHM {2}ID\n/);
    expect(table).toContain(`1       allowlist-only    sha512     ${stored.id}\n`);
    expect((await compute('--explain', '--no-propagate-usr-to-root')).split('\n')).toHaveLength(1 + 6 + 1);
  });

  it('are missing where a format cannot hold the tree', async () => {
    const root = path('long-link');
    mkdirSync(`${root}/usr`, { recursive: true });
    symlinkSync('x'.repeat(2000), `${root}/usr/link`);
    const { candidates } = (await json('compute-id-explain', ['compute-id', '-q', '--explain', root])) as { candidates: Candidate[] };
    expect(candidates.map(({ format, image_id: id }) => [format, id !== undefined])).toEqual([
      ...Array.from({ length: 8 }, (_, index) => [index < 4 ? 0 : 1, true]),
      ...Array.from({ length: 4 }, () => [2, false]),
    ]);
    expect(candidates[8]).toMatchObject({ reason: expect.stringContaining('/usr/link') as unknown });
    expect(await run(['compute-id', '-q', '--erofs-version', '2', root])).toMatchObject({ code: 1, stdout: '' });
  });

  it('of what is no directory there are none', async () => {
    await writeFile(path('file'), '');
    for (const name of ['file', 'nowhere']) {
      const { code, error } = await failure(['compute-id', path(name)]);
      expect({ code, errorCode: error.code }).toEqual({ code: 1, errorCode: name === 'file' ? 'NOT_A_DIRECTORY' : 'UNREADABLE' });
    }
    expect((await failure(['compute-id', '--repo', path('nowhere'), stored.root])).error.code).toBe('SYSTEM');
  });
});

describe.runIf(hasXattrs)('create-dumpfile', () => {
  const path = scratch();
  let stored: StoredDirectory;
  beforeAll(async () => {
    stored = await storeDirectory(path());
  });

  it('prints the tree of the image', async () => {
    const lines = (await ok(['create-dumpfile', '-q', '--no-repo', stored.root])).split('\n');
    const owner = `${process.getuid?.()} ${process.getgid?.()}`;
    expect(lines[0]).toBe(`/ 0 40750 5 ${owner} 0 1000000000.500000000 - - -`);
    expect(lines.find((line) => line.startsWith('/usr/bin/tool '))).toMatch(
      new RegExp(`^/usr/bin/tool 200 100755 2 ${owner} 0 1000000000.500000000 ${LARGE_PATH.sha512} - ${LARGE_ID.sha512}$`),
    );
    expect(lines).toContain('/usr/bin/tool-link 0 @120000 - - - - 0.0 /usr/bin/tool - -');
    expect(lines.filter((line) => line.startsWith('/run'))).toHaveLength(1);
    expect(lines.some((line) => line.startsWith(String.raw`/etc/name\x20with\x20blanks\nand\x20a\x20line 1 `))).toBe(true);
    expect(lines.at(-1)).toBe('');
  });

  it('is what mkcomposefs makes the same image of', async () => {
    await ok(['create-dumpfile', '-q', '--hash', 'sha256', '--no-repo', stored.root, '-o', 'os.dump'], { cwd: path() });
    const { bytes } = await run(['mkcomposefs', '--from-file', '--min-version=1', 'os.dump', '-'], { cwd: path() });
    expect(`${fsVerityDigest(bytes, 'sha256')}\n`).toBe(await ok(['compute-id', '-q', '--hash', 'sha256', stored.root]));
  });

  it('has no JSON form', async () => {
    expect(await run(['create-dumpfile', '--json', stored.root])).toMatchObject({ code: 2, stdout: '' });
  });
});

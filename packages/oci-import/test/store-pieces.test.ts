import { image, tar, tarLayer } from '@cfskit/fixtures';
import type { TarEntry } from '@cfskit/fixtures';
import type { Descriptor, ImageSource, LayerPiece } from '@cfskit/oci-spec';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ImportImageOptions, ImportResult, ImportStats } from '../src/index.ts';
import { names, objectFiles, pull, withWorkspace } from './workspace.ts';

const LARGE = 'large '.repeat(400_000);
const ENTRIES: readonly TarEntry[] = [
  { path: 'usr/', type: 'dir' },
  { path: 'usr/large', content: LARGE },
  { path: 'usr/again', content: 'a'.repeat(1000) },
  { path: 'usr/once more', content: 'a'.repeat(1000) },
  { path: 'usr/sixty-four', content: 'x'.repeat(64) },
  { path: 'usr/sixty-five', content: 'y'.repeat(65) },
  { path: 'usr/aligned', content: 'z'.repeat(512) },
  { path: 'usr/.wh.gone' },
];
const packed = image({ layers: [tarLayer(tar(ENTRIES), 'none')] });

/** A layer in pieces: contents as files, in a directory where `write` puts them. */
async function* pieces(directory: string, write: (path: string, content: string) => void): AsyncGenerator<LayerPiece> {
  for (const [index, entry] of ENTRIES.entries()) {
    const content = String(entry.content ?? '');
    const bytes = tar([entry], { endBlocks: 0 });
    const start = bytes.byteLength - Math.ceil(content.length / 512) * 512;
    yield await Promise.resolve(bytes.subarray(0, start));
    if (content.length === 0) continue;
    const path = join(directory, `content ${index}`);
    write(path, content);
    const fd = openSync(path, 'r');
    yield { fd, size: content.length, path };
    closeSync(fd);
    yield bytes.subarray(start + content.length);
  }
  yield new Uint8Array(1024);
}

/** What a repository holds after an import in pieces, and what came of it. */
async function imported(
  options: ImportImageOptions,
  change: (source: ImageSource, directory: string) => Partial<ImageSource> = () => ({}),
) {
  return withWorkspace(async ({ repository, layout, directory }) => {
    const plain = await layout([{ image: packed, tag: '1' }]);
    const source: ImageSource = {
      describe: () => 'pieces',
      resolve: (asked) => plain.resolve(asked),
      open: (descriptor: Descriptor, asked) => plain.open(descriptor, asked),
      openPieces: () => pieces(directory, (path, content) => writeFileSync(path, content)),
    };
    const result = pull(repository, Object.assign(source, change(source, directory)), { name: 'x', ...options });
    const outcome = await result.catch((error: unknown) => error as Error);
    const objects = await objectFiles(repository);
    return {
      outcome,
      names: await names(repository),
      objects: objects.map((path) => path.slice(repository.path.length)).toSorted(),
      links: objects.filter((path) => statSync(path).nlink > 1).length,
      contents: objects.map((path) => readFileSync(path).byteLength).reduce((sum, size) => sum + size, 0),
    };
  });
}

it('leaves the same repository as a copy, whatever way the files take', async () => {
  const copied = await imported({});
  const shared = await imported({ files: 'share' });
  expect(shared.objects).toEqual(copied.objects);
  expect(shared.names).toEqual(copied.names);
  expect(shared.contents).toBe(copied.contents);
  const { objectsCopied, objectsReflinked, objectsHardlinked, objectsAlreadyPresent, bytesInlined } = statsOf(shared.outcome);
  expect(objectsCopied + objectsReflinked + objectsHardlinked).toBe(statsOf(copied.outcome).objectsCopied);
  expect({ objectsAlreadyPresent, bytesInlined }).toEqual({ objectsAlreadyPresent: 1, bytesInlined: statsOf(copied.outcome).bytesInlined });
});

it.skipIf(process.getuid?.() !== 0)('shares files where that can be done, and then copies nothing', async () => {
  const { outcome, links } = await imported({ files: 'share-only' });
  const { objectsCopied, objectsReflinked, objectsHardlinked } = statsOf(outcome);
  expect({ objectsCopied, shared: objectsReflinked + objectsHardlinked }).toEqual({ objectsCopied: 0, shared: 4 });
  expect(links).toBe(objectsHardlinked);
});

/** The largest file sets the user of whoever runs it. */
function writeProgram(path: string, content: string): void {
  writeFileSync(path, content);
  if (content === LARGE) chmodSync(path, 0o4755);
}

it.skipIf(process.getuid?.() !== 0)('copies programs with special rights rather than hard link them, and goes on sharing', async () => {
  const warnings: string[] = [];
  const { outcome } = await imported({ files: 'share', onWarning: (text) => warnings.push(text) }, (_, directory) => ({
    openPieces: () => pieces(directory, writeProgram),
  }));
  const { objectsCopied, objectsReflinked, objectsHardlinked } = statsOf(outcome);
  expect({ objectsCopied, shared: objectsHardlinked, warnings }).toEqual(
    objectsReflinked > 0 ? { objectsCopied: 0, shared: 0, warnings: [] } : { objectsCopied: 1, shared: 3, warnings: [] },
  );
});

const SHARED_MEMORY = '/dev/shm';

it.skipIf(statSync(tmpdir()).dev === statSync(SHARED_MEMORY).dev)(
  'fails where files cannot be shared, if nothing may be copied',
  async () => {
    const elsewhere = mkdtempSync(join(SHARED_MEMORY, 'pieces-'));
    const { outcome, names: left } = await imported({ files: 'share-only' }, () => ({
      openPieces: () => pieces(elsewhere, (path, content) => writeFileSync(path, content)),
    }));
    rmSync(elsewhere, { recursive: true });
    expect(codesOf(outcome)).toContain('ZERO_COPY_IMPOSSIBLE');
    expect(left).toEqual([]);
  },
);

it.skipIf(statSync(tmpdir()).dev === statSync(SHARED_MEMORY).dev)('copies what cannot be shared, and says so once', async () => {
  const elsewhere = mkdtempSync(join(SHARED_MEMORY, 'pieces-'));
  const warnings: string[] = [];
  const shared = await imported({ files: 'share', onWarning: (text) => warnings.push(text) }, () => ({
    openPieces: () => pieces(elsewhere, (path, content) => writeFileSync(path, content)),
  }));
  rmSync(elsewhere, { recursive: true });
  expect(warnings).toEqual(['files of the source cannot be shared with the repository, so they are copied']);
  expect({ ...shared, outcome: statsOf(shared.outcome) }).toEqual({
    ...(await imported({})),
    outcome: statsOf((await imported({})).outcome),
  });
});

// Others than root can share by reflinks only, which few file systems have; what cannot be shared is not read.
it.skipIf(process.getuid?.() !== 0).each(['share', 'share-only'] as const)(
  'does not name a layer whose file holds something else, %s',
  async (files) => {
    const { outcome, names: left } = await imported({ files }, (_, directory) => ({
      openPieces: () => pieces(directory, (path, content) => writeFileSync(path, content.replace('a', 'b'))),
    }));
    expect(codesOf(outcome)).toContain('DIGEST_MISMATCH');
    expect(left).toEqual([]);
  },
);

it.each([
  ['is longer than its header says', (content: string) => `${content}more`],
  ['is shorter', (content: string) => content.slice(1)],
])('does not name a layer whose file %s', async (_, change) => {
  const { outcome, names: left } = await imported({ files: 'share' }, (_source, directory) => ({
    openPieces: () => pieces(directory, (path, content) => writeFileSync(path, change(content))),
  }));
  expect(codesOf(outcome)).toContainEqual(expect.stringMatching(/^(?:SIZE_MISMATCH|DIGEST_MISMATCH)$/));
  expect(left).toEqual([]);
});

it('puts contents together that come in other pieces than files', async () => {
  const { outcome, objects } = await imported({ files: 'share' }, (_source, directory) => ({
    openPieces: async function* () {
      const path = join(directory, 'whole');
      writeFileSync(path, tar(ENTRIES));
      const fd = openSync(path, 'r');
      yield await Promise.resolve({ fd, size: tar(ENTRIES).byteLength, path });
      closeSync(fd);
    },
  }));
  expect(statsOf(outcome)).toEqual(statsOf((await imported({})).outcome));
  expect(objects).toEqual((await imported({})).objects);
});

function statsOf(outcome: ImportResult | Error): ImportStats {
  if (outcome instanceof Error) throw outcome;
  return outcome.stats;
}

/** The codes of an error and of its causes. */
function codesOf(error: unknown): readonly unknown[] {
  return error instanceof Error ? ['code' in error ? error.code : undefined, ...codesOf(error.cause)] : [];
}

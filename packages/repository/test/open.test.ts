import { fsVerityDigest } from '@cfskit/fs-verity';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  ensureRepository,
  formatMetadata,
  initRepository,
  LocalObjectStore,
  newMetadata,
  openRepository,
  resetRepository,
} from '../src/index.ts';
import type { ErofsFormats, InitOptions, OpenOptions, Repository } from '../src/index.ts';
import { FakeVerity, noVerity, temporaryDirectory, testData, tree } from './support.ts';
import { vectors } from './vectors.ts';

const coded = (code: string): Error => expect.objectContaining({ name: 'RepositoryError', code }) as Error;
const format = (first: 0 | 1 | 2): ErofsFormats => ({ default: first, extra: [] });

function root(): string {
  return join(temporaryDirectory(), 'repo');
}

async function kept(opening: Promise<Repository>): Promise<Repository> {
  const repository = await opening;
  onTestFinished(() => repository.close());
  return repository;
}
const init = (path: string, options: InitOptions = {}): Promise<Repository> => kept(initRepository(path, { insecure: true, ...options }));
const open = (path: string, options?: OpenOptions): Promise<Repository> => kept(openRepository(path, options));
const ensure = (path: string, options: InitOptions = {}): Promise<Repository> =>
  kept(ensureRepository(path, { insecure: true, ...options }));
const metadataOf = (path: string): string => readFileSync(join(path, 'meta.json'), 'utf8');

/** A repository from before there was a meta.json. */
function oldRepository(algorithm: 'sha256' | 'sha512', verity?: FakeVerity): string {
  const path = temporaryDirectory();
  new LocalObjectStore({ path, algorithm, secure: verity !== undefined, verity }).putSync(testData(10));
  return path;
}

describe('init', () => {
  it.each(vectors.metadata)('$algorithm, format $erofsFormat: writes what cfsctl writes', async ({ algorithm, erofsFormat, meta }) => {
    const path = root();
    const repository = await init(path, { algorithm, erofsFormats: format(erofsFormat) });
    expect(metadataOf(path)).toBe(meta);
    expect(readdirSync(path)).toEqual(['meta.json']);
    expect(repository).toMatchObject({ path, algorithm, secure: false, openedAs: 'created' });
  });
  it('makes sha512 and format 1 unless told', async () => {
    const repository = await init(root());
    expect(repository.metadata).toEqual(newMetadata('sha512', format(1)));
  });
  it('makes a directory for its owner alone, and the file for all', async () => {
    const path = root();
    await init(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(path, 'meta.json')).mode & 0o777).toBe(0o644 & ~process.umask());
  });
  it('needs the parent directory', async () => {
    await expect(initRepository(join(root(), 'below'), { insecure: true })).rejects.toMatchObject({ code: 'ENOENT' });
  });
  it('again with the same configuration opens', async () => {
    const path = root();
    const first = await init(path, { algorithm: 'sha256' });
    expect((await init(path, { algorithm: 'sha256' })).openedAs).toBe('opened');
    // The security mode is no part of the configuration.
    expect(await init(path, { algorithm: 'sha256', insecure: false })).toMatchObject({ openedAs: 'opened', secure: false });
    expect(first.openedAs).toBe('created');
  });
  it.each([
    [1, 2],
    [2, 1],
  ] as const)('again with format %i in place of %i is refused', async (first, second) => {
    const path = root();
    await init(path, { erofsFormats: format(first) });
    const before = metadataOf(path);
    const again = initRepository(path, { insecure: true, erofsFormats: format(second) });
    await expect(again).rejects.toThrow(
      `repository already initialized with different configuration (algorithm: fsverity-sha512-12, erofs_version: V${first}); ` +
        `cannot re-initialize with (algorithm: fsverity-sha512-12, erofs_version: V${second})`,
    );
    await expect(again).rejects.toThrow(coded('CONFLICTING_CONFIGURATION'));
    expect(metadataOf(path)).toBe(before);
  });
  it('again with the other algorithm is refused, secure or not', async () => {
    const path = root();
    await init(path);
    await expect(initRepository(path, { insecure: true, algorithm: 'sha256' })).rejects.toThrow(coded('CONFLICTING_CONFIGURATION'));
    await expect(initRepository(path, { algorithm: 'sha256' })).rejects.toThrow(coded('CONFLICTING_CONFIGURATION'));
  });
  it('leaves an unreadable meta.json alone', async () => {
    const path = temporaryDirectory();
    writeFileSync(join(path, 'meta.json'), 'x');
    await expect(initRepository(path, { insecure: true })).rejects.toThrow(coded('INVALID_METADATA'));
    expect(metadataOf(path)).toBe('x');
  });
  it('two at once make one', async () => {
    const path = root();
    const both = await Promise.all([init(path), init(path)]);
    expect(both.map(({ openedAs }) => openedAs).toSorted()).toEqual(['created', 'opened']);
  });
});

describe('secure', () => {
  it('a repository is, whose meta.json has verity', async () => {
    const path = root();
    const verity = new FakeVerity();
    expect(await kept(initRepository(path, { verity }))).toMatchObject({ secure: true, openedAs: 'created' });
    expect(verity.enabled.get(statSync(join(path, 'meta.json')).ino)?.digest).toBe(
      fsVerityDigest(readFileSync(join(path, 'meta.json')), 'sha512'),
    );
    expect(await open(path, { verity, requireVerity: true })).toMatchObject({ secure: true });
    expect(await open(path, { verity, insecure: true })).toMatchObject({ secure: false });
    expect(tree(path)).toEqual(['meta.json']);
  });
  it('a repository becomes by a copy of meta.json, if somebody has the file open', async () => {
    const path = root();
    const verity = new FakeVerity();
    verity.busy = 1;
    expect(await kept(initRepository(path, { verity }))).toMatchObject({ secure: true });
    expect(tree(path)).toEqual(['meta.json']);
  });
  it('no repository becomes without verity, and nothing is left', async () => {
    const path = root();
    await expect(initRepository(path, { verity: noVerity })).rejects.toThrow(
      'Enabling verity on meta.json: Filesystem does not support fs-verity',
    );
    expect(existsSync(path)).toBe(false);
    mkdirSync(path);
    await expect(initRepository(path, { verity: noVerity })).rejects.toThrow(coded('VERITY_UNSUPPORTED'));
    await expect(initRepository(path, { verity: { ...noVerity, measure: () => undefined } })).rejects.toThrow(coded('VERITY_UNSUPPORTED'));
    expect(readdirSync(path)).toEqual([]);
  });
  it('is demanded in vain of one that is not', async () => {
    const path = root();
    await init(path);
    await expect(openRepository(path, { requireVerity: true })).rejects.toThrow('repository was not initialized with fs-verity');
  });
  it('is refused if meta.json has verity of the other algorithm', async () => {
    const path = root();
    const verity = new FakeVerity();
    await init(path, { verity });
    verity.enabled.set(statSync(join(path, 'meta.json')).ino, { algorithm: 'sha256', digest: '00'.repeat(32) });
    await expect(openRepository(path, { verity })).rejects.toThrow(coded('ALGORITHM_MISMATCH'));
  });
});

describe('open', () => {
  it('needs meta.json', async () => {
    const path = temporaryDirectory();
    await expect(openRepository(path)).rejects.toThrow(/meta\.json not found; this repository must be initialized/);
    await expect(openRepository(path, { upgrade: true })).rejects.toThrow(coded('METADATA_MISSING'));
  });
  it('knows an old repository', async () => {
    const path = temporaryDirectory();
    mkdirSync(join(path, 'objects'));
    await expect(openRepository(path)).rejects.toThrow(/meta\.json not found; this appears to be an old-format repository/);
    await expect(openRepository(path)).rejects.toThrow(coded('OLD_FORMAT'));
  });
  it('wants the algorithm that was asked for', async () => {
    const path = root();
    await init(path, { algorithm: 'sha256' });
    await expect(openRepository(path, { algorithm: 'sha512' })).rejects.toThrow(coded('ALGORITHM_MISMATCH'));
    expect(await open(path, { algorithm: 'sha256' })).toMatchObject({ algorithm: 'sha256', openedAs: 'opened' });
  });
  it('refuses a meta.json that is no metadata, or endless', async () => {
    const path = temporaryDirectory();
    writeFileSync(join(path, 'meta.json'), '{');
    await expect(openRepository(path)).rejects.toThrow(coded('INVALID_METADATA'));
    writeFileSync(join(path, 'meta.json'), ' '.repeat((1 << 20) + 1));
    await expect(openRepository(path)).rejects.toThrow(coded('INVALID_METADATA'));
  });
  it('refuses what it does not know', async () => {
    const path = temporaryDirectory();
    writeFileSync(join(path, 'meta.json'), '{"version":1,"algorithm":"fsverity-sha256-12","features":{"incompatible":["new"]}}');
    await expect(openRepository(path)).rejects.toThrow('unknown incompatible features: ["new"]');
    writeFileSync(join(path, 'meta.json'), '{"version":2,"algorithm":"fsverity-sha256-12"}');
    await expect(openRepository(path)).rejects.toThrow('unsupported repository format version 2');
  });
  it('only reads what it does not know how to write', async () => {
    const path = temporaryDirectory();
    writeFileSync(join(path, 'meta.json'), '{"version":1,"algorithm":"fsverity-sha256-12","features":{"read-only-compatible":["new"]}}');
    const repository = await open(path);
    const message = 'Repository is not writable: unknown read-only-compatible features: ["new"]';
    expect(() => repository.ensureWritable()).toThrow(message);
    expect(() => repository.createStreamWriter(0n)).toThrow(coded('READ_ONLY'));
    await expect(repository.gc()).rejects.toThrow(message);
    await expect(repository.registerStream('x', '00'.repeat(32))).rejects.toThrow(message);
    await expect(repository.writeImage(new Uint8Array(1))).rejects.toThrow(message);
    await expect(repository.gc({ dryRun: true })).resolves.toBeDefined();
    expect((await repository.fsck()).errors).toEqual([]);
    expect(tree(path)).toEqual(['meta.json']);
  });
});

describe('upgrade', () => {
  it.each(['sha256', 'sha512'] as const)('%s', async (algorithm) => {
    const path = oldRepository(algorithm);
    expect(await open(path, { upgrade: true })).toMatchObject({ algorithm, openedAs: 'upgraded', secure: false });
    expect(metadataOf(path)).toBe(formatMetadata(newMetadata(algorithm, format(1))));
    expect(await open(path, { upgrade: true })).toMatchObject({ openedAs: 'opened' });
  });
  it('takes the security from an object', async () => {
    const verity = new FakeVerity();
    const path = oldRepository('sha256', verity);
    expect(await open(path, { upgrade: true, verity })).toMatchObject({ secure: true });
  });
  it('when written: reading leaves it as it is, the first operation that writes upgrades', async () => {
    const path = oldRepository('sha256');
    const before = tree(path);
    const warnings: string[] = [];
    const repository = await open(path, { upgrade: 'when-written', onWarning: (text) => warnings.push(text) });
    expect(repository).toMatchObject({ algorithm: 'sha256', openedAs: 'inferred', secure: false });
    expect([repository.streams(), repository.images(), repository.listRefs()]).toEqual([[], [], []]);
    expect(await repository.fsck()).toMatchObject({ hasMetadata: false, errors: [] });
    expect(await repository.gc({ dryRun: true })).toMatchObject({ objectsRemoved: 1 });
    expect(tree(path)).toEqual(before);
    await repository.writeImage(testData(20));
    expect(metadataOf(path)).toBe(formatMetadata(newMetadata('sha256', format(1))));
    expect(warnings).toEqual([`upgraded the repository ${path}, which had no meta.json: fsverity-sha256-12`]);
    expect((await open(path)).openedAs).toBe('opened');
  });
  it('when written: keeps a meta.json that came meanwhile, if it is the same', async () => {
    const [same, other] = [oldRepository('sha256'), oldRepository('sha256')];
    const handles = [await open(same, { upgrade: 'when-written' }), await open(other, { upgrade: 'when-written' })] as const;
    await open(same, { upgrade: true });
    await init(other, { algorithm: 'sha256', erofsFormats: format(2) });
    handles[0].ensureWritable();
    expect(() => handles[1].ensureWritable()).toThrow(coded('CONFLICTING_CONFIGURATION'));
  });
  it('when written: takes the security from an object', async () => {
    const verity = new FakeVerity();
    expect(await open(oldRepository('sha256', verity), { upgrade: 'when-written', verity })).toMatchObject({ secure: true });
  });
  it('is refused for the other algorithm, and for a repository without objects', async () => {
    const path = oldRepository('sha256');
    await expect(openRepository(path, { upgrade: true, algorithm: 'sha512' })).rejects.toThrow(
      'inferred algorithm fsverity-sha256-12 is not compatible with this repository type (expected fsverity-sha512-12)',
    );
    expect(existsSync(join(path, 'meta.json'))).toBe(false);
    const empty = temporaryDirectory();
    mkdirSync(join(empty, 'objects/00'), { recursive: true });
    writeFileSync(join(empty, 'objects/00/stray'), 'x');
    writeFileSync(join(empty, 'objects/00', 'z'.repeat(62)), 'x');
    await expect(openRepository(empty, { upgrade: true })).rejects.toThrow('no objects found in repository — cannot infer metadata');
  });
});

describe('ensure', () => {
  it('keeps the formats that are there', async () => {
    const path = root();
    await init(path, { erofsFormats: format(2) });
    const before = metadataOf(path);
    expect(await ensure(path, { erofsFormats: format(1) })).toMatchObject({ openedAs: 'opened' });
    expect(metadataOf(path)).toBe(before);
  });
  it('makes what is missing', async () => {
    const path = root();
    expect(await ensure(path, { algorithm: 'sha256', erofsFormats: format(2) })).toMatchObject({
      openedAs: 'created',
      algorithm: 'sha256',
    });
    expect(metadataOf(path)).toBe(formatMetadata(newMetadata('sha256', format(2))));
  });
  it('upgrades what is old', async () => {
    expect(await ensure(oldRepository('sha256'))).toMatchObject({ openedAs: 'upgraded', algorithm: 'sha256' });
  });
  it('refuses another algorithm', async () => {
    const path = root();
    await init(path, { algorithm: 'sha256' });
    await expect(ensureRepository(path, { algorithm: 'sha512' })).rejects.toThrow(coded('ALGORITHM_MISMATCH'));
    await expect(ensureRepository(oldRepository('sha256'), { algorithm: 'sha512' })).rejects.toThrow('not compatible');
  });
  it('leaves no directory behind when it cannot make one', async () => {
    const path = root();
    await expect(ensureRepository(path, { verity: noVerity })).rejects.toThrow(coded('VERITY_UNSUPPORTED'));
    expect(existsSync(path)).toBe(false);
  });
});

describe('reset', () => {
  it('keeps the objects, and lets the repository be made again', async () => {
    const path = root();
    const repository = await init(path, { algorithm: 'sha256' });
    const { id } = repository.objects.putSync(testData(10));
    await repository.writeStream(repository.createStreamWriter(0n), 'stream', { ref: 'ref' });
    await repository.writeImage(testData(20), { ref: 'image' });
    await repository.close();
    await resetRepository(path);
    expect(readdirSync(path)).toEqual(['objects']);
    await expect(openRepository(path)).rejects.toThrow(coded('OLD_FORMAT'));
    const again = await init(path, { algorithm: 'sha256', erofsFormats: format(2) });
    expect(again).toMatchObject({ openedAs: 'created' });
    expect(again.objects.hasSync(id)).toBe(true);
  });
  it('waits until nobody uses the repository', async () => {
    const path = root();
    const repository = await init(path);
    await expect(resetRepository(path, { lockTimeoutMs: 0 })).rejects.toThrow(coded('LOCK_TIMEOUT'));
    expect(existsSync(join(path, 'meta.json'))).toBe(true);
    await repository.close();
    await resetRepository(path, { lockTimeoutMs: 0 });
    expect(readdirSync(path)).toEqual([]);
  });
});

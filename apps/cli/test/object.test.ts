import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fsVerityDigest } from '@cfskit/fs-verity';
import { beforeAll, describe, expect, it } from 'vitest';
import { document, failure, json, ok, run, scratch } from './harness.ts';
import { LARGE, storeSample, type Stored } from './stored-fixture.ts';

const path = scratch();
const large = fsVerityDigest(LARGE, 'sha512');
const other = fsVerityDigest(new Uint8Array(LARGE).fill(0x78), 'sha512');
const fileOf = (repo: string, id: string): string => join(repo, 'objects', id.slice(0, 2), id.slice(2));
let stored: Stored;
let damaged: Stored;

beforeAll(async () => {
  stored = await storeSample(path());
  damaged = await storeSample(path());
  await rm(fileOf(damaged.repo, large));
  await writeFile(
    fileOf(damaged.repo, large),
    LARGE.map((byte) => byte ^ 1),
  );
});

describe('names', () => {
  it.each([
    large,
    large.toUpperCase(),
    `sha512:${large}`,
    `${large.slice(0, 2)}/${large.slice(2)}`,
    large.slice(0, 12),
    large.slice(0, 64),
  ])('%s', async (name) => {
    expect(await ok(['object', 'path', '--repo', stored.repo, name])).toBe(`${fileOf(stored.repo, large)}\n`);
  });

  it.each([
    ['ab'.repeat(64), 'no object abab'],
    ['ab'.repeat(32), 'no object begins with abab'],
    ['ab'.repeat(10), 'no object begins with abab'],
  ])('%s is not there', async (name, message) => {
    const { code, error } = await failure(['object', 'path', '--repo', stored.repo, name]);
    expect(code).toBe(1);
    expect(error.code).toBe('NOT_FOUND');
    expect(error.message).toContain(message);
  });

  it('lists what a short beginning may mean', async () => {
    const [a, b] = [`${large.slice(0, 20)}${'0'.repeat(108)}`, `${large.slice(0, 20)}${'1'.repeat(108)}`];
    const twins = await storeSample(path());
    for (const id of [a, b]) await writeFile(fileOf(twins.repo, id), 'x');
    const { code, error } = await failure(['object', 'path', '--repo', twins.repo, large.slice(0, 12)]);
    expect({ code, candidates: error.detail['candidates'] }).toEqual({ code: 1, candidates: [a, b, large].toSorted() });
  });

  it.each(['abc', '0123456789a', 'not hex', 'md5:00', 'zz/00', 'sha256:0123456789abcdef'])('%j is wrong usage', async (name) => {
    const ended = await run(['object', 'path', '--repo', path('nothing'), name]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    const wanted = 'an object id: 64 or 128 hex digits, 12 or more that one begins with, algorithm:hex, or xx/rest';
    expect(ended.stderr).toContain(`ID: wanted ${wanted}, found '${name}'\n`);
  });

  it('that are empty are wrong usage', async () => {
    expect(await run(['object', 'path', '--repo', path('nothing'), ''])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('object path', () => {
  it('prints them in the order given', async () => {
    expect(await json('object-path', ['object', 'path', '--repo', stored.repo, other, large])).toEqual({
      objects: [
        { id: other, path: fileOf(stored.repo, other) },
        { id: large, path: fileOf(stored.repo, large) },
      ],
    });
  });
});

describe('object cat', () => {
  it('prints the contents one behind the other', async () => {
    const { code, bytes } = await run(['object', 'cat', '--repo', stored.repo, large, other]);
    expect(code).toBe(0);
    expect(Buffer.from(bytes)).toEqual(Buffer.concat([LARGE, new Uint8Array(LARGE).fill(0x78)]));
  });

  it('fails when an object is not what its id says, and leaves no file', async () => {
    expect(await run(['object', 'cat', '--repo', damaged.repo, '-o', 'out', large], { cwd: path() })).toMatchObject({ code: 1 });
    await expect(readFile(path('out'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await run(['object', 'cat', '--repo', damaged.repo, large])).toMatchObject({ code: 1 });
  });

  it('refuses a terminal and --json', async () => {
    expect(await run(['object', 'cat', '--repo', stored.repo, large], { stdoutIsTerminal: true })).toMatchObject({ code: 2, stdout: '' });
    expect(await run(['object', 'cat', '--repo', stored.repo, large, '--json'])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('object stat', () => {
  it('tells size, verity and links', async () => {
    expect(await ok(['object', 'stat', '--repo', stored.repo, large])).toBe(
      `ID${' '.repeat(128)}SIZE  VERITY  LINKS\n${large}  200   no      1\n`,
    );
    expect(await json('object-stat', ['object', 'stat', '--repo', stored.repo, large])).toEqual({
      objects: [{ id: large, size: 200, verity: false, nlink: 1 }],
    });
  });

  it('finds who refers to an object with --refs', async () => {
    const argv = ['object', 'stat', '--refs', '--repo', stored.repo, large];
    const user = `streams/oci-layer-${stored.sample.layers.at(0)!.diffId}`;
    expect(await json('object-stat', argv)).toMatchObject({ objects: [{ id: large, referenced_by: [user] }] });
    expect(await ok(argv)).toContain(`${large}  ${user}\n`);
  });

  it('counts the streams that name a stream', async () => {
    const layer = `oci-layer-${stored.sample.layers.at(0)!.diffId}`;
    const { verity } = (await json('oci-layer', ['layer', '--repo', stored.repo, stored.sample.layers.at(0)!.diffId])) as {
      verity: string;
    };
    const result = (await json('object-stat', ['object', 'stat', '--refs', '--repo', stored.repo, verity])) as {
      objects: { referenced_by: string[] }[];
    };
    expect(result.objects[0]?.referenced_by.map((name) => name.replace(/-sha256:.*/, ''))).toEqual([
      'streams/oci-config',
      'streams/oci-layer',
      'streams/oci-manifest',
    ]);
    expect(result.objects[0]?.referenced_by).toContain(`streams/${layer}`);
  });
});

describe('object verify', () => {
  it('says nothing when all is well', async () => {
    expect(await ok(['object', 'verify', '-q', '--repo', stored.repo])).toBe('');
    expect(await ok(['object', 'verify', '--repo', stored.repo, large, other])).toBe('');
    expect(await json('object-verify', ['object', 'verify', '--repo', stored.repo])).toEqual({
      ok: true,
      objects_checked: 9,
      objects_corrupted: 0,
      errors: [],
      findings: [],
    });
  });

  it.each([[[]], [[large, other]]])('has a line for each bad one among %j', async (ids) => {
    const argv = ['object', 'verify', '-q', '--repo', damaged.repo, ...ids];
    const line = `fsck: object-digest-mismatch: objects/${large.slice(0, 2)}/${large.slice(2)}: measured `;
    const ended = await run(argv);
    expect(ended).toMatchObject({ code: 1, stderr: 'cfskit: object check failed\n' });
    expect(ended.stdout.startsWith(line)).toBe(true);
    const machine = await run([...argv, '--json']);
    expect(machine.code).toBe(1);
    expect(document('object-verify', machine.stdout)).toMatchObject({ ok: false, objects_checked: ids.length || 9, objects_corrupted: 1 });
    expect(await run([...argv, '--exit-zero'])).toMatchObject({ code: 0 });
  });
});

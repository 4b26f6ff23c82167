import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, truncateSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { image, layoutFiles, toBlob, writeLayout } from '@cfskit/fixtures';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { document, json, ok, scratch } from './harness.ts';
import {
  cliCommand,
  exited,
  hasProgram,
  runCli,
  runScript,
  shellCli,
  shellWord,
  startCli,
  startProgram,
  TINY,
  written,
} from './spawn-cli.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // processes of their own, on machines that may be busy
const path = scratch();
const PLATFORM = '--platform=linux/amd64';
const expected = JSON.parse(readFileSync(new URL('../../../examples/tiny.expected.json', import.meta.url), 'utf8')) as {
  images: { manifest: string; layers: { diffId: string; size: number; streams: Record<string, string> }[] }[];
};
const tiny = expected.images.at(0)!;
const ESCAPE = '\u001B';
const HIDE_CURSOR = `${ESCAPE}[?25l`;
const SHOW_CURSOR = `${ESCAPE}[?25h`;

/** A layout whose one layer says it has 64 GiB: a pull of it goes on until it is stopped. */
let endless = '';
/** A repository with the example image in it. */
let repo = '';

beforeAll(async () => {
  endless = path('endless');
  mkdirSync(endless);
  await writeEndlessLayout(endless);
  repo = path('a repo with spaces\nand a new line');
  await ok(['init', '--insecure', repo]);
  await runCli(['pull', '--repo', repo, TINY, 'tiny', PLATFORM, '-q']);
});

async function writeEndlessLayout(directory: string): Promise<void> {
  const layer = toBlob(new Uint8Array(1), 'application/vnd.oci.image.layer.v1.tar');
  const size = 64 * 2 ** 30;
  const described = { ...layer, descriptor: { ...layer.descriptor, size }, diffId: layer.descriptor.digest };
  await writeLayout(directory, layoutFiles([{ image: image({ layers: [described] }), tag: 'endless' }]));
  truncateSync(join(directory, 'blobs', layer.descriptor.digest.replace(':', '/')), size);
}

async function newRepository(name: string): Promise<string> {
  await ok(['init', '--insecure', path(name)]);
  return path(name);
}

/** Every file of a repository that is neither meta.json nor an object. */
function leftovers(repository: string): string[] {
  const names = readdirSync(repository, { recursive: true }).map(String);
  return names.filter((name) => /(^|\/)\.|\.tmp|^streams\/refs\//.test(name));
}

/** Run a command line on a pseudo-terminal; what it shows is on standard output. */
function onTerminal(argv: readonly string[], options: { readonly stdin?: 'pipe' } = {}): ReturnType<typeof startCli> {
  const env = { TERM: 'xterm-256color', SHELL: '/bin/sh' };
  return startProgram(['script', '-qefc', shellCli(argv), '/dev/null'], { env, ...options });
}

describe('the example image', () => {
  it('gives the layer streams that cfsctl gives, and tars that hash to their diff_ids', async () => {
    await Promise.all(
      tiny.layers.map(async ({ diffId, streams }) => {
        expect(await json('oci-layer', ['layer', '--repo', repo, diffId])).toMatchObject({ diffId, verity: streams['sha512'] });
        const child = startCli(['layer', '--repo', repo, diffId]);
        const hash = createHash('sha256');
        child.stdout!.on('data', (chunk: Buffer) => hash.update(chunk));
        const [code] = (await once(child, 'close')) as [number];
        expect({ code, digest: `sha256:${hash.digest('hex')}` }).toEqual({ code: 0, digest: diffId });
      }),
    );
  });

  it('is there, in order, and not fetched twice', async () => {
    const again = await runCli(['pull', '--repo', repo, TINY, 'tiny', PLATFORM, '-q', '--json']);
    expect(document('pull', again.stdout)).toMatchObject({
      manifest_digest: tiny.manifest,
      bytes_fetched: 0,
      stats: { layers_already_present: 3 },
    });
    expect(await runCli(['oci', 'fsck', '-q', '--repo', repo])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('oci images: 1/1 ok'),
    });
  });

  it('is the same whatever the locale', async () => {
    const results = await Promise.all(
      [{ LANG: 'C' }, { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }, { LC_ALL: 'C.UTF-8', TZ: 'Asia/Tokyo' }].map((env) =>
        runCli(['ls-layer', '-l', '--repo', repo, tiny.layers.at(2)!.diffId], { env }),
      ),
    );
    expect(results[0]).toMatchObject({ code: 0, stderr: '' });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});

describe('pipes', () => {
  it('end the program at once and quietly when the reader goes away', async () => {
    const script = `${shellCli(['layer', '--repo', repo, tiny.layers.at(1)!.diffId])} | head -c 1 >/dev/null; echo "\${PIPESTATUS[0]}"`;
    expect(await runScript(script)).toMatchObject({ stdout: '1\n', stderr: '' });
    const listing = `${shellCli(['ls-layer', '--repo', repo, tiny.layers.at(1)!.diffId])} | true; echo "\${PIPESTATUS[0]}"`;
    expect(await runScript(listing)).toMatchObject({ stdout: '0\n', stderr: '' });
  });

  it('that are full of errors are reported', async () => {
    const script = `${shellCli(['inspect', '--repo', repo, 'tiny'])} > /dev/full`;
    expect(await runScript(script)).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOSPC') });
  });

  it('never carry an escape sequence', async () => {
    const fresh = await newRepository('no escapes');
    const ended = await runCli(['pull', '--repo', fresh, TINY, PLATFORM, '--progress=bars', '--color=always'], {
      env: { TERM: 'xterm-256color' },
    });
    expect(ended.code).toBe(0);
    expect(ended.stdout + ended.stderr).not.toContain(ESCAPE);
    expect(ended.stderr).toContain(`layer ${tiny.layers.at(0)!.diffId.slice(7, 19)}: started`);
  });
});

describe('signals', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends a pull with %i: no tag, no temporary file, a repository in order', async (signal, code) => {
    const fresh = await newRepository(`interrupted by ${signal}`);
    const child = startCli(['pull', '--repo', fresh, `oci:${endless}:endless`, 'never', PLATFORM, '--progress=json']);
    const end = exited(child);
    await written(child.stderr, '"progress"');
    child.kill(signal);
    const ended = await end;
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr.trimEnd().split('\n').at(-1)).toContain('"code":"INTERRUPTED"');
    expect(leftovers(fresh)).toEqual([]);
    await ok(['fsck', '--repo', fresh]);
    await ok(['pull', '--repo', fresh, TINY, PLATFORM]);
  });

  it.each(['squashfs', 'tar', 'dir', 'erofs', 'dumpfile'])('^C ends convert %s: with nothing written', async (kind) => {
    const directory = path(`interrupted ${kind}`);
    mkdirSync(directory);
    const child = startCli(['convert', `oci:${endless}:endless`, `${kind}:${directory}/out`, PLATFORM, '--progress=json']);
    const end = exited(child);
    await written(child.stderr, '"progress"');
    child.kill('SIGINT');
    expect(await end).toMatchObject({ code: 130, stdout: '' });
    expect(readdirSync(directory, { recursive: true }).filter((name) => name !== 'out' || kind !== 'dir')).toEqual([]);
  });

  it('end a command that waits for its standard input', async () => {
    const fresh = await newRepository('waiting for stdin');
    const child = startCli(['import-layer', '--repo', fresh, tiny.layers.at(0)!.diffId, '--progress=json'], { stdin: 'pipe' });
    const end = exited(child);
    await written(child.stderr, '"started"');
    child.kill('SIGINT');
    expect(await end).toMatchObject({ code: 130, stdout: '' });
    expect(leftovers(fresh)).toEqual([]);
  });

  it('reach the repository as little as a sudden death', async () => {
    const fresh = await newRepository('killed');
    const child = startCli(['pull', '--repo', fresh, `oci:${endless}:endless`, PLATFORM, '--progress=json']);
    const end = exited(child);
    await written(child.stderr, '"progress"');
    child.kill('SIGKILL');
    expect(await end).toMatchObject({ signal: 'SIGKILL' });
    await ok(['fsck', '--repo', fresh]);
    await ok(['pull', '--repo', fresh, TINY, PLATFORM]);
    await ok(['gc', '--repo', fresh]);
    expect(leftovers(fresh).filter((name) => !name.startsWith('streams/refs/'))).toEqual([]);
  });
});

describe.skipIf(!hasProgram('script', '--version'))('a terminal', () => {
  it('shows bars, and the cursor again when it is over', async () => {
    const fresh = await newRepository('bars');
    const { code, stdout } = await exited(onTerminal(['pull', '--repo', fresh, TINY, 'tiny', PLATFORM]));
    expect(code).toBe(0);
    expect(stdout).toMatch(/layer 9de70d4c9bdc 101\.11 KiB \d+\.\d s/);
    expect(stdout).toContain('tagged   tiny');
    expect(stdout.split(SHOW_CURSOR)).toHaveLength(stdout.split(HIDE_CURSOR).length);
    const again = await exited(onTerminal(['pull', '--repo', fresh, TINY, 'tiny', PLATFORM]));
    expect(again.stdout).toContain('layer 9de70d4c9bdc already present');
  });

  it('is clean after ^C', async () => {
    const fresh = await newRepository('bars interrupted');
    const child = onTerminal(['pull', '--repo', fresh, `oci:${endless}:endless`, PLATFORM], { stdin: 'pipe' });
    const end = exited(child);
    await written(child.stdout, 'total ');
    child.stdin!.write('\u0003');
    const { code, stdout } = await end;
    expect(code).toBe(130);
    const last = stdout.lastIndexOf(SHOW_CURSOR);
    expect(last).toBeGreaterThan(stdout.lastIndexOf(HIDE_CURSOR));
    expect(stdout.slice(last)).toMatch(/^[^\n]*cfskit:.* interrupted by SIGINT\r\n$/);
    expect(leftovers(fresh)).toEqual([]);
  });

  it('gets no binary data, but boxes', async () => {
    const data = await exited(onTerminal(['layer', '--repo', repo, tiny.layers.at(0)!.diffId]));
    expect(data).toMatchObject({ code: 2, stdout: expect.stringContaining('refusing to write binary data to a terminal') });
    const table = await exited(onTerminal(['ls', '--repo', repo]));
    expect(table.stdout).toContain('│ tiny ┆ 420f89d991e4 ┆ amd64 ┆ 3      ┆ 0    │');
  });
});

it('lets two pulls and a collection get along', async () => {
  const fresh = await newRepository('together');
  const pull = (name: string): ReturnType<typeof runCli> => runCli(['pull', '-q', '--repo', fresh, TINY, name, PLATFORM]);
  const results = await Promise.all([pull('one'), pull('two'), runCli(['gc', '-q', '--repo', fresh])]);
  expect(results.map(({ code, stderr }) => ({ code, stderr }))).toEqual(results.map(() => ({ code: 0, stderr: '' })));
  expect(await json('oci-fsck', ['oci', 'fsck', '--repo', fresh])).toMatchObject({ ok: true, images_checked: 2 });
});

describe('an ordinary user', () => {
  const isRoot = process.getuid?.() === 0;
  const asNobody = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
  const canRun = !isRoot || hasProgram('setpriv', ...asNobody.slice(1), ...cliCommand(['--version']));

  it.skipIf(!canRun)('can do everything', async () => {
    const home = path('home of nobody');
    mkdirSync(home);
    if (isRoot) {
      chmodSync(path(), 0o711);
      chownSync(home, 65534, 65534);
    }
    const run = (...argv: string[]): ReturnType<typeof runCli> =>
      runCli(argv, { through: asNobody, env: { HOME: home, NODE_COMPILE_CACHE: join(home, 'cache') }, cwd: '/' });
    expect(await run('init', '--insecure')).toMatchObject({ code: 0, stdout: expect.stringContaining(join(home, '.var/lib/composefs')) });
    expect(await run('pull', '-q', TINY, 'tiny', PLATFORM)).toMatchObject({ code: 0, stderr: '' });
    expect(await run('oci', 'fsck', '-q')).toMatchObject({ code: 0 });
    expect(await run('gc', '-q')).toMatchObject({ code: 0, stdout: 'Objects: 0 removed (0 bytes)\n' });
  });

  it.skipIf(!isRoot || !canRun)('is told that a repository of somebody else is not writable, before the source is looked at', async () => {
    const foreign = await newRepository('foreign');
    chmodSync(foreign, 0o755);
    chmodSync(path(), 0o711);
    const ended = await runCli(['pull', '--repo', foreign, 'oci:/nonexistent'], { through: asNobody, cwd: '/' });
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('Repository is not writable');
    expect(ended.stderr).not.toContain('nonexistent');
  });
});

const canMount = hasProgram('unshare', '-rm', 'true');
it.skipIf(!canMount)('says of a read-only mount that it is not writable, and reads it all the same', async () => {
  const mounted = (command: string): ReturnType<typeof exited> => {
    const script = `mount --bind ${shellWord(repo)} ${shellWord(repo)} && mount -o remount,ro,bind ${shellWord(repo)} && cd / && ${command}`;
    return exited(startProgram(['unshare', '-rm', 'sh', '-c', script]));
  };
  const pull = await mounted(shellCli(['pull', '--repo', repo, 'oci:/nonexistent']));
  expect(pull).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('Repository is not writable: read-only file system') });
  expect(pull.stderr).not.toContain('nonexistent');
  expect(await mounted(shellCli(['oci', 'fsck', '-q', '--repo', repo]))).toMatchObject({ code: 0 });
});

it('keeps its compiled sources out of the repository', async () => {
  expect((await readdir(repo)).toSorted()).toEqual(['images', 'meta.json', 'objects', 'streams']);
});

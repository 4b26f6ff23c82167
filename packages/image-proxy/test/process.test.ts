import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { image, readAll, settled, type FakeSkopeo } from './fake/fake-skopeo.ts';
import { fakeSkopeo } from './fake/fakes.ts';
import { isMissing } from './tools.ts';

const program = fileURLToPath(new URL('read-blob.ts', import.meta.url));

/** Reads the layer of the fake in a process of its own. */
function args(skopeo: FakeSkopeo, via: string): readonly string[] {
  return ['--conditions=source', program, via, skopeo.program, skopeo.directory, JSON.stringify(image.layer)];
}

function run(skopeo: FakeSkopeo, via: string): { stdout: string; stderr: string } {
  const env = { ...process.env, CFSKIT_NO_KOFFI: '1' };
  return spawnSync(process.execPath, args(skopeo, via), { encoding: 'utf8', env, timeout: 20_000 });
}

describe('without koffi', () => {
  it('the pipe of Node is taken', () => {
    const skopeo = fakeSkopeo();
    expect(run(skopeo, 'auto')).toMatchObject({ stdout: `reading\n${image.layer.size}\n`, stderr: '' });
    expect(skopeo.events().at(-1)).toBe('end');
  });

  it('a packet socket cannot be had', () => {
    expect(run(fakeSkopeo(), 'packet')).toMatchObject({ stdout: expect.stringMatching(/^UNSUPPORTED: /) as string });
  });
});

describe('a Node that keeps its handles to itself', () => {
  afterEach(() => vi.restoreAllMocks());

  it('is told apart, with what can be done', async () => {
    const skopeo = fakeSkopeo();
    vi.spyOn(Object, 'getOwnPropertySymbols').mockReturnValue([]);
    const error: unknown = await readAll(skopeo.open({ via: 'ipc' }).open(image.layer)).catch((reason: unknown) => reason);
    vi.restoreAllMocks();
    expect(error).toMatchObject({ code: 'NO_CHANNEL' });
    expect((error as Error).message).toMatch(/koffi.*staging/);
    expect(await skopeo.leftovers()).toEqual([]);
  });
});

describe('a process that reads', () => {
  it.skipIf(isMissing('setpriv')).each(['packet', 'ipc'])('takes skopeo along when it is killed, however hard, %s', async (via) => {
    const skopeo = fakeSkopeo({ blobFault: { kind: 'stall', after: 300_000 } });
    const child = spawn(process.execPath, args(skopeo, via), { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve)); // the first chunk has come
    expect(skopeo.living()).toHaveLength(1);
    child.kill('SIGKILL');
    await settled(() => skopeo.living().length === 0);
    expect(skopeo.living()).toEqual([]);
  });

  it('takes skopeo along when it exits, and its files', async () => {
    const skopeo = fakeSkopeo({ blobFault: { kind: 'stall', after: 300_000 } });
    const child = spawn(process.execPath, args(skopeo, 'exit'), { stdio: 'inherit' });
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(7);
    await settled(() => skopeo.living().length === 0);
    expect(skopeo.living()).toEqual([]);
    expect(readdirSync(skopeo.directory).toSorted()).toEqual(['log', 'plan.json', 'skopeo']);
  });
});

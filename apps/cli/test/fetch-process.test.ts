import { randomBytes } from 'node:crypto';
import { glob, stat } from 'node:fs/promises';
import { image, tar, tarLayer } from '@cfskit/fixtures';
import { startTestRegistry } from '@cfskit/registry/testing';
import { expect, it, vi } from 'vitest';
import { document, scratch } from './harness.ts';
import { putImage } from './registry-fixture.ts';
import { exited, runCli, startCli } from './spawn-cli.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes of their own, on machines that may be busy
const path = scratch();
const layer = tarLayer(tar([{ path: 'large', content: randomBytes(3_000_000) }]), 'none');
const large = image({ layers: [layer] });
const { digest, size } = layer.descriptor;
const HALF = 1_500_000;

it.each([
  ['SIGINT', 130],
  ['SIGKILL', null],
] as const)('a fetch that %s ended goes on where it was', async (signal, code) => {
  let isFirst = true;
  const registry = await startTestRegistry({
    intercept(request, response) {
      if (!isFirst || !request.url!.endsWith(digest)) return false;
      isFirst = false;
      response.writeHead(200, { 'content-length': size }).write(layer.bytes.subarray(0, HALF)); // and no more
      return true;
    },
  });
  putImage(registry, 'team/app', large, 'v1');
  const output = path(`layout ${signal}`);
  const argv = [
    'fetch',
    `docker://${registry.registry}/team/app:v1`,
    '--output',
    output,
    '--no-creds',
    '--platform=linux/amd64',
    '-q',
    '--json',
  ];
  const child = startCli(argv);
  const ended = exited(child);
  await vi.waitFor(async () => expect(await partialSize(output)).toBeGreaterThan(1_000_000), { timeout: 30_000, interval: 20 });
  child.kill(signal);
  expect(await ended).toMatchObject({ code, stdout: '' });
  const there = await partialSize(output);
  const again = await runCli(argv);
  expect(again).toMatchObject({ code: 0, stderr: '' });
  const { bytes_fetched: fetched } = document('fetch', again.stdout) as { bytes_fetched: number };
  expect(fetched).toBeLessThan(size - there + 1000); // the config is smaller
  expect(registry.requests.findLast(({ path: asked }) => asked.endsWith(digest))?.headers.range).toBe(`bytes=${there}-`);
  expect(await partialSize(output)).toBe(0);
  await registry.close();
});

/** Bytes in files that a fetch left unfinished. */
async function partialSize(directory: string): Promise<number> {
  let sum = 0;
  for await (const name of glob('**/*.partial', { cwd: directory })) sum += (await stat(`${directory}/${name}`)).size;
  return sum;
}

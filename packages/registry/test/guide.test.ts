import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { flipBit, image, tar, tarLayer } from '@cfskit/fixtures';
import { parsePlatform } from '@cfskit/oci-spec';
import { expect, it } from 'vitest';
import { store, testRegistry } from './support.ts';

const PROGRAM = fileURLToPath(new URL('one-file.ts', import.meta.url));
const GUIDE = fileURLToPath(new URL('../../../docs/guide/registry.md', import.meta.url));

async function run(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, ['--conditions=source', PROGRAM, ...args])).stdout;
}

it('the guide shows the program that is tested here', async () => {
  const snippet = /^```ts\n([\s\S]*?)^```/m.exec(await readFile(GUIDE, 'utf8'))?.[1];
  expect(snippet).toBe(await readFile(PROGRAM, 'utf8'));
});

it('the program of the guide pulls one file out of an image', async () => {
  const registry = await testRegistry();
  const below = tarLayer(tar([{ path: 'etc/os-release', content: 'ID=old\n' }]), 'gzip');
  const above = tarLayer(
    tar([
      { path: 'etc/', type: 'dir' },
      { path: 'etc/os-release', content: 'ID=new\n' },
    ]),
    'zstd',
  );
  const top = tarLayer(tar([{ path: 'large', content: 'x'.repeat(300_000) }]), 'none');
  store(registry.repository('a'), image({ layers: [below, above, top], platform: parsePlatform('linux/amd64') }), 'v1');
  expect(await run(`${registry.registry}/a:v1`)).toBe('ID=new\n\n');
  expect(await run(`${registry.registry}/a:v1`, 'etc/none')).toBe(`no etc/none in ${registry.registry}/a:v1\n`);
  registry.repository('a').blobs.set(top.descriptor.digest, flipBit(top.bytes, 600));
  await expect(run(`${registry.registry}/a:v1`)).rejects.toThrow('DIGEST_MISMATCH');
});

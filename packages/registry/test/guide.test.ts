import { execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { flipBit, image, tar, tarLayer, withTempDir } from '@cfskit/fixtures';
import { nativePlatform, parsePlatform } from '@cfskit/oci-spec';
import { expect, it } from 'vitest';
import { store, testRegistry } from './support.ts';

const ALL_LAYERS = fileURLToPath(new URL('one-file.ts', import.meta.url));
const FEW_LINES = fileURLToPath(new URL('few-lines.ts', import.meta.url));
const GUIDE = fileURLToPath(new URL('../../../docs/guide/registry.md', import.meta.url));

async function run(program: string, args: readonly string[], cwd?: string): Promise<string> {
  return (await promisify(execFile)(process.execPath, ['--conditions=source', program, ...args], { cwd })).stdout;
}

it('the guide shows the programs that are tested here', async () => {
  const snippets = (await readFile(GUIDE, 'utf8')).matchAll(/^```ts\n([\s\S]*?)^```/gm);
  const [few, all] = Array.from(snippets, ([, code]) => code);
  expect(few).toBe(await readFile(FEW_LINES, 'utf8'));
  expect(all).toBe(await readFile(ALL_LAYERS, 'utf8'));
});

it('six lines pull a file out of the topmost layer', async () => {
  const registry = await testRegistry();
  const below = tarLayer(tar([{ path: 'etc/os-release', content: 'ID=old\n' }]), 'none');
  const above = tarLayer(tar([{ path: 'etc/os-release', content: 'ID=new\n' }]), 'gzip');
  store(registry.repository('a'), image({ layers: [below, above], platform: nativePlatform(process) }), 'v1');
  await withTempDir(async (directory) => {
    await run(FEW_LINES, [`${registry.registry}/a:v1`], directory);
    await promisify(execFile)('tar', ['-xf', 'layer.tar', 'etc/os-release'], { cwd: directory });
    expect(await readFile(`${directory}/etc/os-release`, 'utf8')).toBe('ID=new\n');
    registry.repository('a').blobs.set(above.descriptor.digest, flipBit(above.bytes, 60));
    await rm(`${directory}/layer.tar`);
    await expect(run(FEW_LINES, [`${registry.registry}/a:v1`], directory)).rejects.toThrow('DIGEST_MISMATCH');
    expect(await readdir(directory)).toEqual(['etc']);
  });
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
  expect(await run(ALL_LAYERS, [`${registry.registry}/a:v1`])).toBe('ID=new\n\n');
  expect(await run(ALL_LAYERS, [`${registry.registry}/a:v1`, 'etc/none'])).toBe(`no etc/none in ${registry.registry}/a:v1\n`);
  registry.repository('a').blobs.set(top.descriptor.digest, flipBit(top.bytes, 600));
  await expect(run(ALL_LAYERS, [`${registry.registry}/a:v1`])).rejects.toThrow('DIGEST_MISMATCH');
});

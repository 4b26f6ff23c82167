import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';
import { BROWSER_ROWS, ROWS } from '../src/layers.ts';
import { ROOT, shippedPackages } from '../src/workspace.ts';

const names = new Set(ROWS.filter(([row]) => BROWSER_ROWS.includes(row)).flatMap(([, rowPackages]) => rowPackages));
const packages = shippedPackages().filter(({ name }) => names.has(name));

/** Bundles a package as a browser would get it: no node condition, no built-in modules. */
async function bundle(path: string): Promise<string> {
  const build = await rolldown({
    input: join(ROOT, path, 'src/index.ts'),
    platform: 'browser',
    resolve: { conditionNames: ['source', 'browser', 'import', 'default'] },
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await build.generate({ format: 'iife', name: 'bundled' });
  await build.close();
  expect(output[0].imports).toEqual([]);
  return output[0].code;
}

/** A context with what every browser has and nothing of Node. */
function bareContext(): ReturnType<typeof createContext> {
  return createContext({ TextEncoder, TextDecoder, structuredClone, AbortController, AbortSignal, setTimeout, clearTimeout, URL });
}

/** What each package must compute there, besides loading: an expression over its exports and the expected value. */
const USES: Readonly<Record<string, readonly [expression: string, expected: unknown]>> = {
  binary: [`bundled.toHex(bundled.encode(bundled.u16, 513))`, '0102'],
  'oci-spec': [
    `bundled.digestOf(new TextEncoder().encode('hello world'))`,
    'sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9',
  ],
  progress: [`bundled.formatBytes(1536)`, '1.50 KiB'],
  'oci-ref': [`bundled.parseImageReference('docker://quay.io/a/b:tag').name`, 'quay.io/a/b:tag'],
  'fs-verity': [
    `bundled.fsVerityDigest(new TextEncoder().encode('hello world'), 'sha256')`,
    '1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64',
  ],
  splitstream: [`bundled.detectGeneration(new TextEncoder().encode('SplitStream\\0' + ' '.repeat(20)))`, 'current'],
  'tar-split': [
    `(() => { let n = 0; const s = new bundled.TarSplitter({ inline: (b) => { n += b.length; }, fileStart() {}, fileData() {}, fileEnd() {} }); s.push(new Uint8Array(1024)); s.finish(); return n; })()`,
    1024,
  ],
};

describe.each(packages)('$name in a browser', ({ name, path }) => {
  it('bundles without built-in modules and loads in a bare context', async () => {
    const context = bareContext();
    runInContext(await bundle(path), context);
    const [expression, expected] = USES[name] ?? ['typeof bundled', 'object'];
    expect(runInContext(expression, context)).toEqual(expected);
  });
});

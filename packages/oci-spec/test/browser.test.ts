import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';

/** The package and its test helpers as one script for a browser. */
async function bundle(): Promise<string> {
  const build = await rolldown({
    input: fileURLToPath(new URL('../src/testing/index.ts', import.meta.url)),
    platform: 'browser',
    resolve: { conditionNames: ['source', 'browser', 'import', 'default'] },
  });
  const { output } = await build.generate({ format: 'iife', name: 'bundled' });
  await build.close();
  return output[0].code;
}

it('runs where there is no Node: the hash is the portable one, and every check of the contract passes', async () => {
  const code = await bundle();
  expect(code).not.toMatch(/["']node:/);
  const context = createContext({ TextEncoder, TextDecoder, AbortController, AbortSignal });
  const names = (await runInContext(
    `${code}
    (async () => {
      const names = [];
      for (const { name, run } of bundled.imageSourceChecks(async (content) => bundled.memoryImageSource(content))) {
        await run().catch((error) => { throw new Error(name + ': ' + error.message); });
        names.push(name);
      }
      return names;
    })()`,
    context,
  )) as string[];
  expect(names).toHaveLength(16);
});

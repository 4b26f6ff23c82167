import { createContext, runInContext } from 'node:vm';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';
import { pack } from './packing.ts';
import { same, text } from './support.ts';

it('decodes gzip where there is no Node: bundled, in a bare context', async () => {
  const build = await rolldown({
    input: new URL('../src/index.ts', import.meta.url).pathname,
    platform: 'browser',
    resolve: { conditionNames: ['source', 'browser', 'import', 'default'] },
  });
  const { output } = await build.generate({ format: 'iife', name: 'bundled' });
  await build.close();
  expect(output[0].imports).toEqual([]);

  const content = text(100_000);
  const context = createContext({ atob, packed: pack('gzip', content) });
  runInContext(output[0].code, context);
  expect(runInContext('bundled.backends().map(({ name }) => name).join()', context)).toBe('fflate');
  const script = `(async () => {
    const parts = [];
    for await (const chunk of bundled.decode([packed], { format: 'gzip' })) parts.push(...chunk);
    return Uint8Array.from(parts);
  })()`;
  expect(same(Buffer.from((await runInContext(script, context)) as Uint8Array), content)).toBe(true);
  expect(() => runInContext(`bundled.decode([], { format: 'zstd' })`, context)).toThrow('cannot decode zstd');
});

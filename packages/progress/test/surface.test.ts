import { expect, it } from 'vitest';

it('exports exactly these names', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'Tally',
    'coalescing',
    'collectingReporter',
    'countingStream',
    'formatBytes',
    'formatComponent',
    'formatDuration',
    'jsonLinesRenderer',
    'nullReporter',
    'plainRenderer',
    'printable',
    'progressToJson',
    'safeReporter',
  ]);
});

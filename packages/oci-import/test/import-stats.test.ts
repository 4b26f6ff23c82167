import { expect, it } from 'vitest';
import { formatImportStats, mergeStats, newBytes, newObjects, totalObjects } from '../src/index.ts';
import { readVectors } from './workspace.ts';

interface StatsVector {
  readonly stats: Readonly<Record<string, number>>;
  readonly text: string;
  readonly new_objects: number;
  readonly total_objects: number;
  readonly new_bytes: number;
}

const { import_stats_text: vectors } = await readVectors<{ import_stats_text: { cases: readonly StatsVector[] } }>('oci-import.json');
const camelCase = (key: string): string => key.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());

it.each(vectors.cases)('$text', ({ stats, text, ...sums }) => {
  const counters = mergeStats([Object.fromEntries(Object.entries(stats).map(([key, value]) => [camelCase(key), value]))]);
  expect(formatImportStats(counters)).toBe(text);
  expect({ new_objects: newObjects(counters), total_objects: totalObjects(counters), new_bytes: newBytes(counters) }).toEqual(sums);
});

it('adds up all counters', () => {
  const one = { layers: 1, objectsCopied: 2, bytesCopied: 3, bytesInlined: 4 };
  expect(mergeStats([one, one, { layersAlreadyPresent: 5 }])).toMatchObject({
    layers: 2,
    objectsCopied: 4,
    bytesInlined: 8,
    layersAlreadyPresent: 5,
  });
});

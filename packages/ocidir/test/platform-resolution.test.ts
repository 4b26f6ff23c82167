import {
  image,
  imageIndex,
  platformCases,
  toBlob,
  type LayoutEntry,
  type Packaged,
  type PlatformCase as Case,
  type PlatformCaseEntry as Entry,
} from '@cfskit/fixtures';
import { mediaTypes, type ResolveOptions } from '@cfskit/oci-spec';
import { describe, expect, it } from 'vitest';
import { chain, failure, withLayout } from './layouts.ts';

const cases = platformCases();

/** What we answer where the reference stops with an error: nested indexes are entered, Docker's types are taken. */
const BEYOND: Readonly<Record<string, Case['expected']>> = {
  'index in index': { ok: [0, 0, 0] },
  'docker manifest type': { ok: 0 },
};

/** Each manifest differs by a number, so that its digest says which one was chosen. */
function build(entry: Entry, way: readonly number[]): Packaged {
  if (entry.children !== undefined) {
    return imageIndex(
      entry.children.map((child, i) => ({ image: build(child, [...way, i]), ...(child.platform && { platform: child.platform }) })),
    );
  }
  const mediaType = entry.media_type === 'manifest' ? mediaTypes.manifest : entry.media_type;
  const extra = { annotations: { way: way.join(',') } };
  const platform = entry.config_platform ?? entry.platform;
  if (entry.config_media_type === undefined) return image({ mediaType, extra, ...(platform && { platform }) });
  return image({ mediaType, extra, config: toBlob(new TextEncoder().encode('{}'), entry.config_media_type) });
}

/** The entries of a case. */
function layoutOf(index: readonly Entry[]): readonly LayoutEntry[] {
  return index.map((entry, i) => ({
    image: build(entry, [i]),
    ...(entry.platform && { platform: entry.platform }),
    ...(entry.ref_name !== undefined && { tag: entry.ref_name }),
  }));
}

function wanted({ native, tag }: Case): ResolveOptions {
  return { platform: native, ...(tag !== null && { tag }) };
}

const answers = cases.map((row) => ({ ...row, expected: BEYOND[row.name] ?? row.expected }));

describe('platform choice', () => {
  it.each(answers.filter(({ expected }) => expected.ok !== undefined))('$name', async (row) => {
    const entries = layoutOf(row.index);
    const way = [row.expected.ok ?? []].flat();
    await withLayout(entries, async (layout) => {
      const { raw, indexDigest } = await layout.resolve(wanted(row));
      expect(JSON.parse(new TextDecoder().decode(raw))).toMatchObject({ annotations: { way: way.join(',') } });
      expect(indexDigest).toBe(way.length > 1 ? entries[way[0] ?? 0]?.image.descriptor.digest : undefined);
    });
  });

  it.each(answers.filter(({ expected }) => expected.error !== undefined))('$name', async (row) => {
    await withLayout(layoutOf(row.index), async (layout) => {
      expect(chain(await failure(layout.resolve(wanted(row))))).toContain(row.expected.error);
    });
  });

  it('has every case of the reference, and knows those that differ', () => {
    expect(cases.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(BEYOND)));
    expect(cases).toHaveLength(24);
  });
});

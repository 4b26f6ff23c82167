import { describe, expect, it } from 'vitest';
import { configRefName, formatContentId, parseContentId, referrerRefPath, type ContentKind } from '../src/index.ts';
import { vectors } from './vectors.ts';

const { digest, ...ids } = vectors.content_identifiers as Record<ContentKind | 'digest' | 'manifest_named_ref_to_config', string>;

describe('names of streams', () => {
  it.each(['layer', 'config', 'manifest', 'blob'] as const)('%s', (kind) => {
    expect(formatContentId(kind, digest)).toBe(ids[kind]);
    expect(parseContentId(ids[kind])).toEqual({ kind, digest });
  });
  it.each(['', 'oci-layer-', 'oci-layer-sha256:abc', 'oci-layer-sha256:../x', 'oci-index-x:y', `x${ids.layer}`, `${ids.layer}\n`, digest])(
    '%j is not the name of an OCI stream',
    (text) => {
      expect(parseContentId(text)).toBeUndefined();
    },
  );
});

it('a manifest names its config', () => {
  expect(configRefName(digest)).toBe(ids.manifest_named_ref_to_config);
});

it('a referrer is kept below its subject', () => {
  expect(referrerRefPath(digest, digest)).toBe(`oci-referrers/${digest}/${digest}`);
  expect(referrerRefPath('a:../b', 'c:d/e')).toBe('oci-referrers/a:..%2Fb/c:d%2Fe');
});

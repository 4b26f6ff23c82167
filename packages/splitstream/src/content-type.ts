/**
 * What producers put into the content type field: eight ASCII characters read as a little-endian number. The format gives them no
 * meaning; a reader may be told which one to expect.
 */
export const CONTENT_TYPE: Readonly<Record<ContentTypeName, bigint>> = {
  /** "ocilayer": a tar layer, split */
  layer: 0x726579616c69636fn,
  /** "ociconfg": an image config, one external object */
  config: 0x67666e6f6369636fn,
  /** "ocimanif": a manifest, one external object */
  manifest: 0x66696e616d69636fn,
  /** "oci_blob": any other blob of an artifact, one external object */
  blob: 0x626f6c625f69636fn,
  /** A commit of ostree; no characters */
  ostreeCommit: 0xafe138c18c463ef1n,
  /** "osummary": a summary of ostree */
  ostreeSummary: 0x7972616d6d75736fn,
};

type ContentTypeName = 'layer' | 'config' | 'manifest' | 'blob' | 'ostreeCommit' | 'ostreeSummary';

import { DEPTH_MAX } from '@cfskit/fs-tree';

/** Bounds for hostile layers; each has its own error code. What is not given has the default. */
export interface RenderLimits {
  /** Bytes of one layer's uncompressed tar, and of its sparse files as they are written out. Default 1 TiB; `LIMIT_BYTES`. */
  readonly maxLayerBytes?: number;
  /** Bytes that one layer's sparse files may have in holes, which take no room in the tar. Default 64 GiB; `LIMIT_BYTES`. */
  readonly maxHoleBytes?: number;
  /** Bytes put out by a decoder for each byte taken in, above 4 GiB of output. Default 2000; a cause with code `RATIO_LIMIT`. */
  readonly maxRatio?: number;
  /**
   * Entries of all layers together, also those that newer layers replace. Each takes about a kilobyte of memory. Default 10,000,000;
   * `LIMIT_ENTRIES`.
   */
  readonly maxEntries?: number;
  /** Directories nest less deep than this. Default 2048; `LIMIT_DEPTH`. */
  readonly maxDepth?: number;
  /** Bytes of the records in front of one entry: long names, PAX headers, maps of sparse files. Default 1 MiB; `LIMIT_METADATA`. */
  readonly maxEntryMetadata?: number;
  /**
   * Bytes of what is kept of all layers together until the end: paths, targets of links, names of owners, PAX records and extended attributes,
   * each of these with 64 more. Default 512 MiB; `LIMIT_METADATA`.
   */
  readonly maxMetadata?: number;
}

/** Every bound. */
export type Limits = Required<RenderLimits>;

const DEFAULTS: Limits = {
  maxLayerBytes: 2 ** 40,
  maxHoleBytes: 2 ** 36,
  maxRatio: 2000,
  maxEntries: 10_000_000,
  maxDepth: DEPTH_MAX,
  maxEntryMetadata: 2 ** 20,
  maxMetadata: 2 ** 29,
};

/** The bounds with the defaults filled in. */
export function withDefaults(limits: RenderLimits = {}): Limits {
  return { ...DEFAULTS, ...Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) };
}

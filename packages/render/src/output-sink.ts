import type { OutputEntry, Plan } from './plan.ts';

/** Numbers of what could not be made as the image wants it, and was left out or made otherwise. */
export interface RenderReport {
  /** Entries that have another owner or group. */
  readonly ownersSkipped: number;
  /** Extended attributes that were not set. */
  readonly xattrsSkipped: number;
  readonly devicesSkipped: number;
  /** Hard links that became files of their own. */
  readonly linksCopied: number;
  /** Files whose time differs by less than a second. */
  readonly timesRounded: number;
}

/** Nothing was left out. */
export const NOTHING_SKIPPED: RenderReport = { ownersSkipped: 0, xattrsSkipped: 0, devicesSkipped: 0, linksCopied: 0, timesRounded: 0 };

/** What came of an output. */
export interface SinkResult {
  /** Size of the file; of a directory, of all files in it. */
  readonly bytes: number;
  /** Of the file. */
  readonly digest?: string;
  readonly report: RenderReport;
}

/**
 * In which order a sink takes files: all contents as they come from the layers, with promoted entries and links at the end; or every entry in
 * the order of the tree, parents first.
 */
export type EntryOrder = 'stream' | 'sorted';

/**
 * Takes the entries of a merged image. `entry`, `data`, `hole` and `end` are synchronous: bytes are views that are valid until `flush` has
 * resolved, which is called after each chunk of a layer.
 *
 * After `entry` for a file come `data` and `hole` calls with `size` bytes in all, then `end`; nothing after that of other entries.
 */
export interface OutputSink {
  readonly order: EntryOrder;
  /** Whether a promoted entry may come before others: contents are then never put aside. */
  readonly takesAnyOrder: boolean;
  /** The merge is done; the first entry follows. */
  begin(plan: Plan): Promise<void>;
  entry(entry: OutputEntry): void;
  data(bytes: Uint8Array): void;
  hole(size: number): void;
  end(): void;
  flush(): Promise<void>;
  /** All entries have come: make the output visible. */
  finish(): Promise<SinkResult>;
  /** What the run was doing, for the message of an error that is not the sink's own. */
  context?(): string;
  /** Remove what there is, as far as that is promised. */
  abort(): Promise<void>;
}

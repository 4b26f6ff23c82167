/** What the numbers of a component count. */
export type Unit = 'bytes' | 'items';

/** How much there is to do, told once, before the first byte. */
export interface PlanEvent {
  readonly type: 'plan';
  readonly components: number;
  /** Bytes of all components, as the source has them (compressed). */
  readonly bytesTotal: number;
  /** How many of them need not be fetched. */
  readonly bytesPresent: number;
}

/** Work on a component begins. `id` is plain text: a diff_id, `config`, `image`, … */
export interface StartedEvent {
  readonly type: 'started';
  readonly id: string;
  readonly total?: number;
  readonly unit: Unit;
}

/** So much of a component has been read. `fetched` counts from the start and can be compared with `total`. */
export interface FetchedEvent {
  readonly type: 'progress';
  readonly id: string;
  readonly fetched: number;
  readonly total?: number;
}

/** A component is there already. May come without a `started`. */
export interface SkippedEvent {
  readonly type: 'skipped';
  readonly id: string;
}

/** A component is complete. */
export interface DoneEvent {
  readonly type: 'done';
  readonly id: string;
  readonly transferred: number;
}

/** Something that people may want to know. */
export interface MessageEvent {
  readonly type: 'message';
  readonly text: string;
}

/** All is done and stored; the last event. */
export interface CompletedEvent {
  readonly type: 'completed';
  readonly manifestDigest: string;
  readonly configDigest: string;
  readonly manifestVerity: string;
  readonly configVerity: string;
  /** Statistics as a sentence. */
  readonly stats: string;
}

/**
 * What a long operation tells. Events of different components interleave. Every `started` is followed by `done` or `skipped` with its
 * `id`, unless the operation fails.
 */
export type ProgressEvent = PlanEvent | StartedEvent | FetchedEvent | SkippedEvent | DoneEvent | MessageEvent | CompletedEvent;

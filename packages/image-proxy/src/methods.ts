/** How many descriptors come with an answer that is no error, and whether the transfer has to be finished by `FinishPipe`. */
export interface MethodShape {
  readonly pipes: 0 | 1 | 2;
  readonly finished: boolean;
  /** Longest answer in bytes, where it may be longer than usual. */
  readonly maxReply?: number;
}

const PLAIN: MethodShape = { pipes: 0, finished: false };
const PIPED: MethodShape = { pipes: 1, finished: true };

/** The name of a method that we use. */
export type Method =
  | 'Initialize'
  | 'OpenImage'
  | 'OpenImageOptional'
  | 'GetManifest'
  | 'GetBlob'
  | 'GetRawBlob'
  | 'GetLayerInfo'
  | 'GetLayerInfoPiped'
  | 'FinishPipe';

/** What comes with the answer of each. `FinishPipe` must never be sent without an argument: it ends the proxy. */
export const METHODS: Readonly<Record<Method, MethodShape>> = {
  Initialize: PLAIN,
  OpenImage: PLAIN,
  OpenImageOptional: PLAIN,
  GetManifest: PIPED,
  GetBlob: PIPED,
  GetRawBlob: { pipes: 2, finished: false },
  GetLayerInfo: { pipes: 0, finished: false, maxReply: 1024 * 1024 },
  GetLayerInfoPiped: PIPED,
  FinishPipe: PLAIN,
};

/** What an argument may be. */
export type Argument = string | number;

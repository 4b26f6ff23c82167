/** What becomes of a blob after its first `after` bytes. */
export interface BlobFault {
  readonly kind:
    | 'die' // the process is killed
    | 'stall' // nothing comes any more
    | 'end' // the pipe ends
    | 'more' // a thousand bytes too many come
    | 'verdict' // all bytes come, and an error with them
    | 'refuse' // an error instead of a pipe
    | 'refuse-with-pipe' // an error, and a pipe with it
    | 'no-pipe'
    | 'not-a-pipe'
    | 'wrong-size' // the proxy says another size
    | 'unknown-size'; // the proxy says none, and all is well
  readonly after?: number;
  /** For errors. */
  readonly message?: string;
  readonly code?: string;
}

/** What a method does instead of answering. */
export type MethodFault = 'die' | 'exit' | 'stall' | 'garbage' | 'cut' | 'too-long' | 'no-reply-but-end';

/** What the fake skopeo does. */
export interface Plan {
  readonly version: string;
  /** The manifest of every image; without one there are no images. */
  readonly manifest?: string | undefined;
  /** Said of the manifest, if it is not its own. */
  readonly manifestDigest?: string;
  /** What `inspect --raw` prints, if not the manifest. */
  readonly inspected?: string;
  /** Blobs by digest, in base64. */
  readonly blobs?: Readonly<Record<string, string>>;
  readonly layerInfo?: unknown;
  readonly blobFault?: BlobFault;
  readonly methodFaults?: Readonly<Record<string, MethodFault>>;
  /** In how many processes or transfers the faults happen before all is well; always if not said. */
  readonly faults?: number;
  /** What the process says and with which status it ends, instead of everything else. */
  readonly exit?: { readonly stderr: string; readonly status: number };
  /** Where a line of JSON is written for each thing that happens. */
  readonly log: string;
}

/** One line of the log. */
export interface LogLine {
  readonly event: string;
  readonly pid: number;
  readonly args?: readonly unknown[];
}

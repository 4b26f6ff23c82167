import type { Child } from './child.ts';
import type { DataPipe } from './data-pipe.ts';
import type { MethodShape } from './methods.ts';
import type { Request } from './request.ts';

/** An answer as it came, not looked at yet. */
export interface RawReply {
  readonly bytes: Uint8Array;
  /** Whoever gets them closes them. */
  readonly pipes: readonly DataPipe[];
}

/**
 * How requests and answers, and the descriptors with them, get over. One implementation for each kind of socket; everything else is in `Channel`.
 * Requests are made one at a time.
 */
export interface Wire {
  readonly child: Child;
  /**
   * Send a request and wait for the answer. The pipes that belong to it are all there then.
   *
   * @returns undefined if the proxy is gone
   * @throws {ImageProxyError} PROTOCOL, REQUEST_TOO_LARGE
   */
  exchange(request: Request, shape: MethodShape): Promise<RawReply | undefined>;
  /** Send what is not answered. Nothing happens if the proxy is gone. */
  send(request: Request): Promise<void>;
  /** Close our end. An exchange under way ends as if the proxy were gone. */
  close(): Promise<void>;
}

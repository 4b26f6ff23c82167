/** What is being waited for: another process's lock, or work in this one. */
export interface WaitNotice {
  readonly mode: 'exclusive' | 'shared';
  /** How long by now. */
  readonly waitedMs: number;
}

/** How long to wait for a lock, and whom to tell. */
export interface LockOptions {
  /** Give up with LOCK_TIMEOUT after this time; without it, wait as long as it takes. 0 tries once. */
  readonly lockTimeoutMs?: number | undefined;
  /** Called after the first `noticeAfterMs` of waiting, and again every 10 s. */
  readonly onWait?: ((notice: WaitNotice) => void) | undefined;
  /** 2000 unless told. */
  readonly noticeAfterMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One spell of waiting: it began when this was made. */
export class Patience {
  readonly signal: AbortSignal | undefined;
  readonly #options: LockOptions;
  readonly #mode: WaitNotice['mode'];
  readonly #began: number = performance.now();

  constructor(mode: WaitNotice['mode'], options: LockOptions) {
    this.signal = options.signal;
    this.#options = options;
    this.#mode = mode;
  }

  /** Time left before giving up; Infinity without a limit. */
  get leftMs(): number {
    return Math.max(0, (this.#options.lockTimeoutMs ?? Infinity) - this.#waitedMs());
  }

  /** Pass on what `waiting` comes to, and tell the caller now and then that it takes long. */
  async during<T>(waiting: Promise<T>): Promise<T> {
    const { onWait, noticeAfterMs = FIRST_NOTICE_MS } = this.#options;
    if (onWait === undefined) return waiting;
    const notify = (): void => onWait({ mode: this.#mode, waitedMs: this.#waitedMs() });
    let timer = setTimeout(
      () => {
        notify();
        timer = setInterval(notify, NEXT_NOTICE_MS);
      },
      Math.max(0, noticeAfterMs - this.#waitedMs()),
    );
    try {
      return await waiting;
    } finally {
      clearTimeout(timer);
    }
  }

  #waitedMs(): number {
    return performance.now() - this.#began;
  }
}

const FIRST_NOTICE_MS = 2000;
const NEXT_NOTICE_MS = 10_000;

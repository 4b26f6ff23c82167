import { escapeBytes, type ByteString } from '@cfskit/fs-tree';

/** As many are told by name. */
const NAMED = 10;

/** Hard links without a target, which are left out: the first few are told by name, of the others how many they are. */
export class DroppedLinks {
  readonly #warn: (text: string) => void;
  count = 0;

  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  add(path: ByteString, target: ByteString): void {
    if (++this.count > NAMED) return;
    this.#warn(`left out ${escapeBytes(path)}, a hard link to ${escapeBytes(target)}, which is not there`);
  }

  /** There are no more. */
  finish(): void {
    const more = this.count - NAMED;
    if (more > 0) this.#warn(`left out ${more} more hard links to what is not there`);
  }
}

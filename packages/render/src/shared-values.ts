import { EPOCH, type ByteString, type Time } from '@cfskit/fs-tree';

/** As many of each kind are kept. */
const KEPT = 4096;

/** Longer texts are seldom repeated, and thousands of them are too much to keep. */
const TEXT_MAX = 256;

/** Values that repeat from entry to entry of a layer, kept once: that is a tenth of the memory that an entry takes. */
export class SharedValues {
  readonly #times: Map<number | bigint, Time> = new Map([[0, EPOCH]]);
  readonly #texts: Map<ByteString, ByteString> = new Map();

  /** A time without a fraction. */
  wholeSeconds(seconds: number | bigint): Time {
    return kept(this.#times, seconds, () => ({ seconds: BigInt.asIntN(64, BigInt(seconds)), nanoseconds: 0 }));
  }

  /** The same text, perhaps as another string. */
  text(text: ByteString): ByteString {
    return text.length > TEXT_MAX ? text : kept(this.#texts, text, () => text);
  }
}

function kept<K, V>(values: Map<K, V>, key: K, make: () => V): V {
  const known = values.get(key);
  if (known !== undefined) return known;
  if (values.size >= KEPT) values.clear();
  const value = make();
  values.set(key, value);
  return value;
}

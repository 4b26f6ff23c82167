import { TarSplitter, type SplitSink, type TarLimits, type TarMember } from '@cfskit/tar-split';

/** An entry of a layer, and its content. */
export interface LayerEntry extends TarMember {
  /**
   * The bytes of a file, in pieces that belong to the consumer. To be read before the next entry is asked for, once; what is not read is
   * passed over.
   */
  content(): AsyncIterable<Uint8Array>;
}

const BLOCK_SIZE = 512;

const NO_SINK: SplitSink = {
  inline: () => undefined,
  fileStart: () => undefined,
  fileData: () => undefined,
  fileEnd: () => undefined,
};

/**
 * The entries of a tar that comes in chunks, in its order, repeats included. Sparse files and unknown types are `unknown`, and have the
 * bytes that the tar has. The source is read to its end, also behind the last entry.
 *
 * @throws {TarSplitError} for what is no tar; whatever the source throws
 */
export async function* layerEntries(source: AsyncIterable<Uint8Array>, limits: TarLimits = {}): AsyncGenerator<LayerEntry, void> {
  const reader = new EntryReader(source, limits);
  try {
    for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
      const found = member;
      yield { ...found, content: () => reader.content(found) };
    }
  } finally {
    await reader.close();
  }
}

class EntryReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #splitter: TarSplitter;
  /** Found in chunks that have been read, not asked for yet. */
  readonly #members: TarMember[] = [];
  /** The chunk that content is taken from, and where it and the next one begin in the tar. */
  #chunk: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #current: TarMember | undefined;

  constructor(source: AsyncIterable<Uint8Array>, limits: TarLimits) {
    this.#source = source[Symbol.asyncIterator]();
    this.#splitter = new TarSplitter(NO_SINK, { ...limits, sparse: 'store', onEntry: (member) => void this.#members.push(member) });
  }

  async next(): Promise<TarMember | undefined> {
    this.#current = undefined;
    while (this.#members.length === 0) {
      if (!(await this.#advance())) return undefined;
    }
    this.#current = this.#members.shift();
    return this.#current;
  }

  /** Members that are found while content is read stay for later. */
  async *content(member: TarMember): AsyncGenerator<Uint8Array, void> {
    let at = member.offset + BLOCK_SIZE;
    const end = at + member.size;
    while (at < end) {
      if (this.#current !== member) throw new RangeError('the content of an entry has to be read before the next entry is asked for');
      if (at >= this.#end) {
        await this.#advance();
        continue;
      }
      const piece = this.#chunk.subarray(at - this.#start, Math.min(end, this.#end) - this.#start);
      at += piece.byteLength;
      yield piece;
    }
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  /** The next chunk; false at the end of a complete tar. */
  async #advance(): Promise<boolean> {
    const { done, value } = await this.#source.next();
    if (done === true) {
      this.#splitter.finish();
      return false;
    }
    this.#chunk = value;
    this.#start = this.#end;
    this.#end += value.byteLength;
    this.#splitter.push(value);
    return true;
  }
}

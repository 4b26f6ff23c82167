import { MeteredOutput, type ByteOutput } from './byte-output.ts';
import { NOTHING_SKIPPED, type EntryOrder, type OutputSink, type SinkResult } from './output-sink.ts';
import { outputEntry, type OutputEntry, type Plan } from './plan.ts';
import { TarFeed } from './tar-feed.ts';

/** Writes the merged image as a tar. */
export class TarSink extends TarFeed implements OutputSink {
  readonly order: EntryOrder;
  readonly #output: ByteOutput;
  readonly #metered: MeteredOutput;

  constructor(output: ByteOutput, order: EntryOrder, signal: AbortSignal) {
    super();
    this.#output = output;
    this.#metered = new MeteredOutput(output, signal);
    this.order = order;
  }

  /** The root comes first, if any layer describes it. */
  async begin({ root, rootStat }: Plan): Promise<void> {
    if (rootStat.origin !== undefined) this.entry(outputEntry('', root, rootStat));
  }

  entry(entry: OutputEntry): void {
    this.tar.entry(entry);
  }

  async flush(): Promise<void> {
    for (const pieces of this.tar.take()) await this.#metered.write(pieces);
  }

  async finish(): Promise<SinkResult> {
    this.tar.close();
    await this.flush();
    await this.#output.finish();
    return { bytes: this.#metered.bytes, digest: this.#metered.digest(), report: NOTHING_SKIPPED };
  }

  async abort(): Promise<void> {
    await this.#output.abort();
  }
}

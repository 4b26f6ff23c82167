import { TarStream } from './tar-stream.ts';
import type { TarWriterOptions } from './tar-writer.ts';

/** What sinks share that turn a merged image into a tar on its way. */
export class TarFeed {
  readonly takesAnyOrder = false;
  protected readonly tar: TarStream;

  constructor(options: TarWriterOptions = {}) {
    this.tar = new TarStream(options);
  }

  data(bytes: Uint8Array): void {
    this.tar.data(bytes);
  }

  hole(size: number): void {
    this.tar.hole(size);
  }

  end(): void {
    this.tar.end();
  }
}

import { createRequire } from 'node:module';
import type { DecoderBackend, EncoderBackend, FrameEncoder, FrameEncoderBackend, Probe } from './backend.ts';
import { stepped, type StepDecoder } from './decoder.ts';
import { CompressionError } from './errors.ts';
import type { Input } from './input.ts';
import { once } from './once.ts';
import type { Output } from './output.ts';
import { EMPTY_FRAME, unzstd } from './zstd.ts';

/** The part of `zstd-napi/binding.js` that is used. The package's streams are not: they buffer without bound. */
interface ZstdBinding {
  readonly DCtx: new () => {
    /** @returns 0 at the end of a frame, bytes put out, bytes taken in */
    decompressStream(output: Uint8Array, input: Uint8Array): [hint: number, produced: number, consumed: number];
    reset(directive: number): void;
  };
  readonly CCtx: new () => CompressionContext;
  versionString(): string;
}

interface CompressionContext {
  setParameter(parameter: number, value: number): void;
  /** @returns bytes left to flush, bytes put out, bytes taken in */
  compressStream2(output: Uint8Array, input: Uint8Array, end: number): [left: number, produced: number, consumed: number];
}

/** Numbers of zstd.h, which the binding passes on. */
const RESET_SESSION = 1;
const COMPRESSION_LEVEL = 100;
const CONTINUE = 0;
const END = 2;

const DEFAULT_LEVEL = 3;

/** What zstd recommends for the output of a compressor: one block and its frame. */
const BLOCK_OUTPUT = 131_591;

const EMPTY = new Uint8Array(0);

/** Zstd by the addon, stepped with an output buffer of ours: about twice as fast as Node's, and flat in memory. */
export const napiZstd: DecoderBackend = {
  name: 'zstd-napi',
  format: 'zstd',
  probe,
  open() {
    const decodeFrame = stepped(new NapiFrameDecoder(requireBinding()), 'a zstd frame');
    return (input, output) => unzstd(input, output, decodeFrame);
  },
};

/** Zstd by the addon. */
export const napiZstdEncoder: EncoderBackend = {
  name: 'zstd-napi',
  format: 'zstd',
  probe,
  open(level) {
    const context = new (requireBinding().CCtx)();
    context.setParameter(COMPRESSION_LEVEL, level ?? DEFAULT_LEVEL);
    return (input, output) => compress(context, input, output);
  },
};

/** Frames of splitstreams by the addon, synchronously. */
export const napiFrameEncoder: FrameEncoderBackend = {
  name: 'zstd-napi',
  probe,
  version: () => requireBinding().versionString(),
  open: () => new NapiFrameEncoder(requireBinding()),
};

function probe(): Probe {
  const loaded = loadBinding();
  if (loaded.binding === undefined) return { available: false, detail: loaded.missing };
  return { available: true, detail: `zstd ${loaded.binding.versionString()}` };
}

type Loaded = { readonly binding: ZstdBinding } | { readonly binding?: undefined; readonly missing: string };

const loadBinding = once((): Loaded => {
  try {
    return { binding: createRequire(import.meta.url)('zstd-napi/binding.js') as ZstdBinding };
  } catch (cause) {
    // An optional dependency: not installed, or not built for this machine.
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? cause.name) : String(cause);
    return { missing: `zstd-napi cannot be loaded: ${reason}` };
  }
});

function requireBinding(): ZstdBinding {
  const loaded = loadBinding();
  if (loaded.binding === undefined) throw new CompressionError('BACKEND_UNAVAILABLE', loaded.missing);
  return loaded.binding;
}

class NapiFrameDecoder implements StepDecoder {
  readonly #context: InstanceType<ZstdBinding['DCtx']>;

  constructor(binding: ZstdBinding) {
    this.#context = new binding.DCtx();
  }

  reset(): void {
    this.#context.reset(RESET_SESSION);
  }

  step(input: Input, output: Output): boolean {
    do {
      const [hint, produced, consumed] = this.#decompress(input, output);
      input.advance(consumed);
      output.commit(produced);
      if (hint === 0) return true;
    } while (!input.isEmpty && !output.isFull);
    return false;
  }

  #decompress(input: Input, output: Output): [hint: number, produced: number, consumed: number] {
    try {
      return this.#context.decompressStream(output.space, input.available);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CompressionError('CORRUPT', `zstd: ${reason}`, { offset: input.offset, cause });
    }
  }
}

async function* compress(
  context: CompressionContext,
  input: Input,
  output: Output,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  while (!input.isEmpty || (await input.fill())) {
    const [, produced, consumed] = context.compressStream2(output.space, input.available, CONTINUE);
    input.advance(consumed);
    output.commit(produced);
    if (output.isFull) yield output.take();
  }
  for (let left = 1; left > 0;) {
    let produced: number;
    [left, produced] = context.compressStream2(output.space, EMPTY, END);
    output.commit(produced);
    if (output.isFull) yield output.take();
  }
}

class NapiFrameEncoder implements FrameEncoder {
  readonly #binding: ZstdBinding;
  /** Made with the first bytes: it takes 3.5 MB, and most streams have a section without content. */
  #compressor: { readonly context: CompressionContext; readonly block: Uint8Array<ArrayBuffer> } | undefined;
  #ready: Uint8Array[] = [];

  constructor(binding: ZstdBinding) {
    this.#binding = binding;
  }

  push(bytes: Uint8Array): void {
    for (let rest = bytes; rest.byteLength > 0;) rest = rest.subarray(this.#step(rest, CONTINUE).consumed);
  }

  drain(): Uint8Array[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  finish(): Uint8Array[] {
    if (this.#compressor === undefined) return [Uint8Array.from(EMPTY_FRAME)];
    while (this.#step(EMPTY, END).left > 0);
    return this.drain();
  }

  #step(bytes: Uint8Array, end: number): { readonly left: number; readonly consumed: number } {
    const { context, block } = (this.#compressor ??= this.#makeCompressor());
    const [left, produced, consumed] = context.compressStream2(block, bytes, end);
    if (produced > 0) this.#ready.push(block.slice(0, produced));
    return { left, consumed };
  }

  #makeCompressor(): { readonly context: CompressionContext; readonly block: Uint8Array<ArrayBuffer> } {
    const context = new this.#binding.CCtx();
    context.setParameter(COMPRESSION_LEVEL, DEFAULT_LEVEL);
    return { context, block: new Uint8Array(BLOCK_OUTPUT) };
  }
}

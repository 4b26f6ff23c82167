import { closeDescriptor, LinuxError, receiveMessageAsync, sendMessageAsync, socketPair, type ReceivedMessage } from '@cfskit/linux';
import { Child, type CommandLine } from './child.ts';
import { DataPipe } from './data-pipe.ts';
import { hasCode, ImageProxyError } from './errors.ts';
import type { MethodShape } from './methods.ts';
import { pipeGrower } from './pipe-size.ts';
import { encodeRequest, type Request } from './request.ts';
import { ignore } from './waiting.ts';
import type { RawReply, Wire } from './wire.ts';

const MAX_REPLY = 32 * 1024;
const MAX_DESCRIPTORS = 4;
const PIPE_SIZE = 1024 * 1024; // what an ordinary user may have

/**
 * A packet socket, which is what skopeo documents. Needs koffi.
 *
 * @throws {LinuxError} UNSUPPORTED without koffi
 */
export function openPacketWire(command: CommandLine): Wire {
  const [ours, theirs] = socketPair('seqpacket');
  try {
    return new PacketWire(new Child(command, [theirs, 'ignore', 'pipe']), ours);
  } catch (error) {
    closeDescriptor(ours);
    throw error;
  } finally {
    closeDescriptor(theirs); // or the end of the child would never be seen
  }
}

class PacketWire implements Wire {
  readonly child: Child;
  readonly #socket: number;
  readonly #grow: (fd: number) => void = pipeGrower(PIPE_SIZE);
  readonly #closing = new AbortController();
  #busy: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(child: Child, socket: number) {
    this.child = child;
    this.#socket = socket;
  }

  exchange(request: Request, shape: MethodShape): Promise<RawReply | undefined> {
    return this.#use(async (signal) => {
      await sendMessageAsync(this.#socket, encodeRequest(request), { signal });
      const options = { maxSize: shape.maxReply ?? MAX_REPLY, maxDescriptors: MAX_DESCRIPTORS, signal };
      const received = await receiveMessageAsync(this.#socket, options);
      if (received === 'ended') return undefined;
      received.descriptors.forEach(this.#grow);
      return toReply(received);
    });
  }

  async send(request: Request): Promise<void> {
    await this.#use((signal) => sendMessageAsync(this.#socket, encodeRequest(request), { signal }));
  }

  /** The number may be another file's as soon as it is closed, so nobody may be using it then. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#closing.abort();
      await this.#busy;
      closeDescriptor(this.#socket);
    })();
    return this.#closed;
  }

  async #use<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#closing;
    if (signal.aborted) return undefined;
    const done = work(signal);
    this.#busy = done.catch(ignore);
    try {
      return await done;
    } catch (error) {
      if (signal.aborted || hasCode(error, 'EPIPE', 'ECONNRESET')) return undefined;
      if (!(error instanceof LinuxError) || error.code !== 'EMSGSIZE') throw error;
      throw new ImageProxyError('PROTOCOL', 'an answer of skopeo was cut off: it is longer than agreed, or has too many descriptors', {
        cause: error,
      });
    }
  }
}

function toReply({ bytes, descriptors }: ReceivedMessage): RawReply {
  const pipes: DataPipe[] = [];
  try {
    for (const fd of descriptors) pipes.push(new DataPipe({ fd }));
  } catch (error) {
    pipes.forEach((pipe) => pipe.close());
    descriptors.slice(pipes.length + 1).forEach(closeDescriptor); // the one that failed has been closed
    throw error;
  }
  return { bytes, pipes };
}

import type { ChildProcess } from 'node:child_process';
import { Child, type CommandLine } from './child.ts';
import { DataPipe } from './data-pipe.ts';
import { ImageProxyError } from './errors.ts';
import { JsonFramer } from './json-framer.ts';
import type { MethodShape } from './methods.ts';
import { encodeRequest, type Request } from './request.ts';
import { ignore } from './waiting.ts';
import type { RawReply, Wire } from './wire.ts';

const MAX_REPLY = 1024 * 1024;

/** No method of the proxy: its only use is the answer, which brings a descriptor that the one before could not. */
const NUDGE: Request = { method: 'CfskitNudge', args: [] };

/**
 * The stream socket that Node makes for the messages of a child process, used for skopeo's instead. Needs nothing native, but a part of Node that is
 * not documented: the handle behind the socket, which also accepts the descriptors.
 *
 * @throws {ImageProxyError} NO_CHANNEL if this Node has it elsewhere
 */
export function openIpcWire(command: CommandLine): Wire {
  const child = new Child(command, ['ipc', 'ignore', 'pipe']);
  const handle = channelHandle(child.process);
  if (handle === undefined && child.process.pid !== undefined) {
    child.kill();
    const message =
      `Node ${process.version} does not let descriptors in without native code; ` +
      'install the optional dependency koffi, or let skopeo copy the image first (staging)';
    throw new ImageProxyError('NO_CHANNEL', message);
  }
  return new IpcWire(child, handle);
}

/** The handle's part that we use. */
interface ChannelHandle {
  /** Without bytes at the end. */
  onread: (bytes: ArrayBuffer | undefined) => void;
  pendingHandle: AcceptedHandle | null;
}

interface AcceptedHandle {
  setBlocking(blocking: boolean): number;
  close(): void;
}

class IpcWire implements Wire {
  readonly child: Child;
  readonly #framer = new JsonFramer(MAX_REPLY);
  readonly #replies: Uint8Array[] = [];
  readonly #handles: AcceptedHandle[] = [];
  #state: 'open' | 'ended' | 'garbled' = 'open';
  #wake: () => void = ignore;

  constructor(child: Child, handle: ChannelHandle | undefined) {
    this.child = child;
    if (handle === undefined) this.#state = 'ended';
    else handle.onread = (bytes) => this.#receive(handle, bytes);
  }

  async exchange(request: Request, shape: MethodShape): Promise<RawReply | undefined> {
    const bytes = await this.#ask(request);
    // One read accepts one descriptor; the second one comes with the next answer, whatever that says.
    if (this.#handles.length > 0 && this.#handles.length < shape.pipes) await this.#ask(NUDGE);
    if (bytes === undefined || this.#state === 'ended') return undefined;
    return { bytes, pipes: this.#takePipes() };
  }

  async send(request: Request): Promise<void> {
    encodeRequest(request);
    await new Promise<void>((resolve) => {
      if (this.#state === 'open' && this.child.process.connected) this.child.process.send(request, () => resolve());
      else resolve();
    });
  }

  close(): Promise<void> {
    this.#end('ended');
    return Promise.resolve();
  }

  async #ask(request: Request): Promise<Uint8Array | undefined> {
    await this.send(request);
    while (this.#replies.length === 0 && this.#state === 'open') {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const bytes = this.#replies.shift();
    if (this.#state === 'garbled') throw new ImageProxyError('PROTOCOL', 'an answer of skopeo is longer than agreed');
    return bytes;
  }

  #receive(handle: ChannelHandle, bytes: ArrayBuffer | undefined): void {
    if (handle.pendingHandle !== null && handle.pendingHandle !== undefined) {
      this.#handles.push(handle.pendingHandle);
      handle.pendingHandle = null;
    }
    if (bytes === undefined) {
      this.#end('ended');
      return;
    }
    const complete = this.#framer.push(new Uint8Array(bytes));
    if (complete === undefined) this.#end('garbled');
    else this.#replies.push(...complete);
    this.#wake();
  }

  #end(state: 'ended' | 'garbled'): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#handles.splice(0).forEach((handle) => handle.close());
    if (this.child.process.connected) this.child.process.disconnect();
    this.#wake();
  }

  #takePipes(): readonly DataPipe[] {
    const handles = this.#handles.splice(0);
    const pipes: DataPipe[] = [];
    try {
      for (const handle of handles) {
        handle.setBlocking(false);
        pipes.push(new DataPipe({ handle }));
      }
    } catch (error) {
      pipes.forEach((pipe) => pipe.close());
      handles.slice(pipes.length).forEach((handle) => handle.close());
      throw error;
    }
    return pipes;
  }
}

function channelHandle(child: ChildProcess): ChannelHandle | undefined {
  const symbol = Object.getOwnPropertySymbols(child).find(({ description }) => description === 'kChannelHandle');
  const handle = symbol === undefined ? undefined : (child as unknown as Record<symbol, unknown>)[symbol];
  return isChannelHandle(handle) ? handle : undefined;
}

function isChannelHandle(value: unknown): value is ChannelHandle {
  return typeof value === 'object' && value !== null && 'onread' in value && 'pendingHandle' in value;
}

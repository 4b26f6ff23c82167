import { setImmediate as turn } from 'node:timers/promises';
import { systemError } from './errors.ts';
import { call, libcFunction64, required, valueOf } from './libc.ts';
import { controlSpace, MessageHeader, rightsOf } from './message-header.ts';
import { closeDescriptor } from './open-at.ts';
import { pause } from './pause.ts';

/** How a pair of sockets keeps messages apart: `seqpacket`, one by one; `stream`, not at all. */
export type SocketType = 'seqpacket' | 'stream';

/**
 * Two sockets that are connected with each other (socketpair(2)). Hand one to a child process, as an element of `stdio`, and close it here
 * right after: otherwise the end of the child is never seen.
 *
 * @returns two descriptors that no child inherits unless told to; close them with `closeDescriptor`
 * @throws {LinuxError} the errno; UNSUPPORTED without koffi
 */
export function socketPair(type: SocketType = 'seqpacket'): readonly [number, number] {
  const pair = new Int32Array(2);
  const native = required('socketpair', nativeSocketpair());
  valueOf('socketpair', call(native, AF_UNIX, SOCKET_TYPE[type] | SOCK_CLOEXEC, 0, new Uint8Array(pair.buffer)));
  return [pair[0]!, pair[1]!];
}

/** A received message. */
export interface ReceivedMessage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Copies of the descriptors that were sent, which no child inherits. The receiver closes them, with `closeDescriptor`. */
  readonly descriptors: readonly number[];
}

/** Options of {@link sendMessage}. */
export interface SendOptions {
  /** Descriptors that the receiver gets copies of; at most 253. */
  readonly descriptors?: readonly number[] | undefined;
}

/**
 * Send one message, without waiting (sendmsg(2), SCM_RIGHTS).
 *
 * @param bytes at least one: an empty message could not be told from the end
 * @returns `false` if there is no room for it now: nothing has been sent
 * @throws {LinuxError} the errno: EPIPE if the other end is closed (no signal is raised), EMSGSIZE; UNSUPPORTED without koffi
 */
export function sendMessage(socket: number, bytes: Uint8Array, { descriptors = [] }: SendOptions = {}): boolean {
  if (bytes.byteLength === 0) throw new RangeError('an empty message looks like the end of the socket');
  const native = required('sendmsg', nativeSendmsg());
  const header = new MessageHeader(bytes, rightsOf(descriptors));
  const { errno } = call(native, socket, header.memory, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (errno === EAGAIN) return false;
  if (errno !== 0) throw systemError('sendmsg', errno);
  return true;
}

/** How much a message may hold. */
export interface ReceiveOptions {
  /** Bytes; 32 KiB unless told. */
  readonly maxSize?: number | undefined;
  /** Descriptors; 4 unless told. */
  readonly maxDescriptors?: number | undefined;
}

/**
 * Receive one message, without waiting (recvmsg(2)).
 *
 * @returns `'ended'` when the other end is closed and everything has been read; `'none'` if nothing is there yet
 * @throws {LinuxError} EMSGSIZE for a message that is larger than allowed, which is lost, and its descriptors are closed; ECONNRESET if the other
 *   end was closed with messages of ours unread; other errnos; UNSUPPORTED without koffi
 */
export function receiveMessage(socket: number, options: ReceiveOptions = {}): ReceivedMessage | 'ended' | 'none' {
  const { maxSize = 32 * 1024, maxDescriptors = 4 } = options;
  const native = required('recvmsg', nativeRecvmsg());
  const header = new MessageHeader(new Uint8Array(maxSize), controlSpace(maxDescriptors));
  const result = call(native, socket, header.memory, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (result.errno === EAGAIN) return 'none';
  const size = valueOf('recvmsg', result);
  const { descriptors } = header;
  if (header.truncated) {
    descriptors.forEach(closeDescriptor);
    throw systemError('recvmsg', EMSGSIZE);
  }
  return size === 0 && descriptors.length === 0 ? 'ended' : { bytes: header.received(size), descriptors };
}

/** Options of the calls that wait. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * {@link receiveMessage}, and wait until something is there. Neither the event loop nor a pool thread is blocked: it asks again, in the first
 * milliseconds at every turn of the event loop, then less and less often, at last every 10 ms.
 *
 * @throws {LinuxError} as receiveMessage; the signal's reason. Then no message has been taken.
 */
export async function receiveMessageAsync(socket: number, options: ReceiveOptions & WaitOptions = {}): Promise<ReceivedMessage | 'ended'> {
  for (const waiting = new Waiting(options.signal); ; await waiting.pause()) {
    const received = receiveMessage(socket, options);
    if (received !== 'none') return received;
  }
}

/**
 * {@link sendMessage}, and wait, in the same way, until there is room.
 *
 * @throws {LinuxError} as sendMessage; the signal's reason. Then nothing has been sent.
 */
export async function sendMessageAsync(socket: number, bytes: Uint8Array, options: SendOptions & WaitOptions = {}): Promise<void> {
  for (const waiting = new Waiting(options.signal); !sendMessage(socket, bytes, options);) await waiting.pause();
}

/** The pauses between two attempts. A reply that is computed comes within the first ones, one from the network within the last. */
class Waiting {
  readonly #signal: AbortSignal | undefined;
  readonly #start = performance.now();

  constructor(signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    this.#signal = signal;
  }

  async pause(): Promise<void> {
    const waitedMs = performance.now() - this.#start;
    if (waitedMs < AT_EVERY_TURN_MS) await turn();
    else await pause(Math.min(waitedMs / 8, LONGEST_PAUSE_MS), this.#signal);
    this.#signal?.throwIfAborted();
  }
}

const nativeSocketpair = libcFunction64('int socketpair(int domain, int type, int protocol, uint8_t *pair)');
const nativeSendmsg = libcFunction64('long sendmsg(int socket, const uint8_t *message, int flags)');
const nativeRecvmsg = libcFunction64('long recvmsg(int socket, uint8_t *message, int flags)');

const AF_UNIX = 1;
const SOCKET_TYPE = { stream: 1, seqpacket: 5 } as const;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const EAGAIN = 11;
const EMSGSIZE = 90;
const AT_EVERY_TURN_MS = 2;
const LONGEST_PAUSE_MS = 10;

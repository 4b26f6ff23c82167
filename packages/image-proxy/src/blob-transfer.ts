import { concatBytes } from '@cfskit/binary';
import { proxyDied, type ProxyChannel } from './channel.ts';
import type { ChildEnd } from './child.ts';
import type { DataPipe, Patience } from './data-pipe.ts';
import { ImageProxyError } from './errors.ts';
import { parseBlobError } from './reply.ts';
import { ignore, within } from './waiting.ts';

/** How long the verdict on a transfer that has come to rest may take, or the exit of a proxy whose pipes have ended. */
const VERDICT_MS = 2000;
const DEATH_MS = 250;

const MAX_ERROR = 64 * 1024;
const MAX_DOCUMENT = 8 * 1024 * 1024;

/** A transfer of a blob that is under way. */
export interface BlobTransfer {
  readonly channel: ProxyChannel;
  /** What the descriptor says. */
  readonly size: number;
  /** What the source says; -1 if it does not know. */
  readonly found: unknown;
  readonly patience: Patience;
}

/**
 * The bytes of a blob that the proxy sends and then judges, when we ask it to finish. It keeps its end open until then, and answers nobody else while
 * it waits for a transfer to finish: so it is asked when all bytes are here, and the last ones are handed out when it agrees.
 *
 * @throws {ImageProxyError} SIZE_MISMATCH, REFUSED for the proxy's verdict, PROXY_DIED, TRUNCATED, STALLED
 */
export async function* judgedBlob(transfer: BlobTransfer, pipe: DataPipe, pipeId: number): AsyncGenerator<Uint8Array, void> {
  const { size, patience } = transfer;
  let finished = false;
  try {
    checkSize(transfer);
    pipe.expect(size);
    for (let received = 0; received < size;) {
      const chunk = await pipe.read(patience);
      if (chunk === undefined) throw await endedEarly(transfer, received);
      received += chunk.byteLength;
      if (received > size) throw tooLong(size);
      if (received < size) yield chunk;
      else {
        finished = true;
        await finish(transfer, pipe, pipeId);
        yield chunk;
      }
    }
    if (finished) return;
    finished = true;
    await finish(transfer, pipe, pipeId); // of an empty blob
  } catch (error) {
    if (finished || !isStall(error)) throw error;
    finished = true;
    throw await afterStall(transfer, pipe, pipeId, error);
  } finally {
    pipe.close();
    if (!finished) giveUp(transfer, pipeId);
  }
}

/**
 * The bytes of a blob that the proxy sends without a judgement, and with a second pipe for what went wrong. Both end by themselves. A proxy that was
 * killed looks as if all were well, so nothing but the full size is an end.
 *
 * @throws {ImageProxyError} SIZE_MISMATCH, REFUSED, PROXY_DIED, TRUNCATED, STALLED
 */
export async function* rawBlob(transfer: BlobTransfer, data: DataPipe, errors: DataPipe): AsyncGenerator<Uint8Array, void> {
  const { size, patience } = transfer;
  const complaint = readAll(errors, MAX_ERROR, { signal: patience.signal, stallMs: Infinity });
  complaint.catch(ignore);
  try {
    checkSize(transfer);
    let received = 0;
    for (let chunk; (chunk = await data.read(patience)) !== undefined;) {
      received += chunk.byteLength;
      if (received > size) throw tooLong(size);
      yield chunk;
    }
    const error = parseBlobError((await within(complaint, patience.stallMs)) ?? new Uint8Array(0));
    if (error !== undefined) throw error;
    if (received < size) throw await endedEarly(transfer, received);
  } finally {
    data.close();
    errors.close();
  }
}

/**
 * A document whose length is not announced. It is read while the proxy finishes: neither would end without the other.
 *
 * @throws {ImageProxyError} PROTOCOL above 8 MiB, REFUSED, PROXY_DIED, STALLED
 */
export async function readDocument(
  channel: ProxyChannel,
  pipe: DataPipe,
  pipeId: number,
  patience: Patience,
): Promise<Uint8Array<ArrayBuffer>> {
  const verdict = channel.call('FinishPipe', [pipeId], { stallMs: patience.stallMs });
  verdict.catch(() => pipe.close());
  try {
    const bytes = await readAll(pipe, MAX_DOCUMENT, patience);
    await verdict;
    return bytes;
  } finally {
    pipe.close(); // which ends a transfer that is too long
  }
}

async function finish({ channel, size, patience }: BlobTransfer, pipe: DataPipe, pipeId: number): Promise<void> {
  const verdict = channel.call('FinishPipe', [pipeId], { stallMs: patience.stallMs });
  verdict.catch(() => pipe.close());
  const more = await pipe.read(patience);
  if (more !== undefined) throw tooLong(size);
  await verdict;
}

/**
 * The transfer is not wanted any more, and nobody waits for this. The proxy notices at its next write; one that waits for the network meanwhile would
 * hold up everybody, and is ended.
 */
function giveUp({ channel }: BlobTransfer, pipeId: number): void {
  if (channel.isUsable) channel.call('FinishPipe', [pipeId], { stallMs: VERDICT_MS }).catch(ignore);
}

/**
 * Nothing came for too long. If the transfer has ended on the other side, the verdict says why; else the proxy is stuck, and not answering gets it
 * ended.
 */
async function afterStall({ channel, patience }: BlobTransfer, pipe: DataPipe, pipeId: number, stall: unknown): Promise<unknown> {
  pipe.close();
  try {
    await channel.call('FinishPipe', [pipeId], { stallMs: Math.min(VERDICT_MS, patience.stallMs) });
    return stall;
  } catch (error) {
    // That of a transfer which we have cut off; protocols of this kind have no codes for it.
    const isVerdict = error instanceof ImageProxyError && error.code === 'REFUSED' && !error.message.includes('broken pipe');
    return isVerdict ? error : stall;
  }
}

async function readAll(pipe: DataPipe, limit: number, patience: Patience): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let chunk; (chunk = await pipe.read(patience)) !== undefined;) {
    size += chunk.byteLength;
    if (size > limit) throw new ImageProxyError('PROTOCOL', `wanted at most ${limit} bytes from skopeo, found more`);
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}

async function endedEarly({ channel, size }: BlobTransfer, received: number): Promise<ImageProxyError> {
  const end: ChildEnd | undefined = await within(channel.ended, DEATH_MS);
  const where = `after ${received} of ${size} bytes`;
  if (end === undefined) return new ImageProxyError('TRUNCATED', `the blob ended ${where}`, { retryable: true });
  const died = proxyDied(end);
  return new ImageProxyError(died.code, `${died.message} ${where}`, { retryable: true });
}

function checkSize({ size, found }: BlobTransfer): void {
  if (found === -1 || found === size) return;
  if (!Number.isSafeInteger(found)) throw new ImageProxyError('PROTOCOL', `wanted the size of a blob, found ${JSON.stringify(found)}`);
  throw new ImageProxyError('SIZE_MISMATCH', `wanted a blob of ${size} bytes, found ${String(found)}`);
}

function tooLong(size: number): ImageProxyError {
  return new ImageProxyError('SIZE_MISMATCH', `wanted a blob of ${size} bytes, found more`);
}

function isStall(error: unknown): boolean {
  return error instanceof ImageProxyError && error.code === 'STALLED';
}

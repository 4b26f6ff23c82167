import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendBlob, BlobVerifier, digestOf, hashBlobFile, type BlobFile } from '../src/index.ts';

const content = Uint8Array.from({ length: 1_200_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
const descriptor = { digest: digestOf(content), size: content.byteLength };

/** A file in memory that reads and writes at most `most` bytes at once. */
function memoryFile(bytes: Uint8Array = new Uint8Array(), most = Infinity) {
  const file = {
    bytes,
    read(buffer: Uint8Array, offset: number, length: number, position: number) {
      const part = file.bytes.slice(position, position + Math.min(length, most));
      buffer.set(part, offset);
      return Promise.resolve({ bytesRead: part.byteLength });
    },
    async write(buffer: Uint8Array, offset: number, length: number, position: number) {
      await Promise.resolve(); // what is written is looked at later than it is handed over
      const part = buffer.slice(offset, offset + Math.min(length, most));
      const grown = new Uint8Array(Math.max(file.bytes.byteLength, position + part.byteLength));
      grown.set(file.bytes);
      grown.set(part, position);
      file.bytes = grown;
      return { bytesWritten: part.byteLength };
    },
  };
  return file satisfies BlobFile;
}

/** Pieces whose memory is used again as soon as the next one is asked for. */
async function* lent(bytes: Uint8Array, pieceSize: number, failure?: Error): AsyncGenerator<Uint8Array, void> {
  const memory = new Uint8Array(pieceSize);
  for (let at = 0; at < bytes.byteLength; at += pieceSize) {
    const piece = bytes.subarray(at, at + pieceSize);
    memory.set(piece);
    yield memory.subarray(0, piece.byteLength);
    memory.fill(0);
    await Promise.resolve();
  }
  if (failure !== undefined) throw failure;
}

describe('appendBlob', () => {
  it('writes the same bytes however they are cut, from wherever the file ends, in the place where they belong', async () => {
    const sizes = fc.integer({ min: 1000, max: 900_000 });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(content.byteLength),
        sizes,
        fc.integer({ min: 30_000, max: 600_000 }),
        fc.nat(600),
        async (there, piece, most, offset) => {
          const file = memoryFile(content.slice(0, there), most);
          const verifier = new BlobVerifier(descriptor);
          await hashBlobFile(file, verifier);
          expect(verifier.size).toBe(there);
          file.bytes = Uint8Array.from([...new Uint8Array(offset), ...file.bytes]);
          await appendBlob(file, lent(content.subarray(there), piece), verifier, { offset });
          verifier.finish();
          expect(Buffer.compare(file.bytes.subarray(offset), content)).toBe(0);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('tells after each piece how much has come', async () => {
    const told: number[] = [];
    const verifier = new BlobVerifier(descriptor);
    await appendBlob(memoryFile(), lent(content, 500_000), verifier, { onProgress: (size) => told.push(size) });
    expect(told).toEqual([500_000, 1_000_000, 1_200_000]);
  });

  it('has written what came before a source failed', async () => {
    const file = memoryFile();
    const failure = new Error('connection lost');
    const writing = appendBlob(file, lent(content.subarray(0, 700_001), 10_000, failure), new BlobVerifier(descriptor));
    await expect(writing).rejects.toBe(failure);
    expect(Buffer.compare(file.bytes, content.subarray(0, 700_001))).toBe(0);
  });

  it('writes nothing beyond the end of the blob, for something else may be there', async () => {
    const neighbour = new Uint8Array(1000).fill(9);
    const file = memoryFile(Uint8Array.from([...new Uint8Array(content.byteLength), ...neighbour]));
    const tooMuch = Buffer.concat([content, new Uint8Array(500)]);
    await expect(appendBlob(file, lent(tooMuch, 65_536), new BlobVerifier(descriptor))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    expect(file.bytes.subarray(content.byteLength)).toEqual(neighbour);
  });

  it('ends with its signal, and with a file that takes nothing', async () => {
    const reason = new Error('enough');
    const aborted = appendBlob(memoryFile(), lent(content, 100), new BlobVerifier(descriptor), { signal: AbortSignal.abort(reason) });
    await expect(aborted).rejects.toBe(reason);
    const full = new Error('no space left on device');
    const file = { ...memoryFile(), write: () => Promise.reject(full) };
    await expect(appendBlob(file, lent(content, 100_000), new BlobVerifier(descriptor))).rejects.toBe(full);
  });
});

describe('hashBlobFile', () => {
  it('refuses a file that has more than the blob', async () => {
    const file = memoryFile(Buffer.concat([content, content]));
    await expect(hashBlobFile(file, new BlobVerifier(descriptor))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  });

  it('ends with its signal', async () => {
    const reason = new Error('enough');
    await expect(hashBlobFile(memoryFile(content), new BlobVerifier(descriptor), AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

// What the splitstream of a layer with 100,000 files costs, by each writer of frames: 512 bytes of header, one object, 300 bytes of padding.
//   node --conditions=source bench/layer.ts
import { hash } from 'node:crypto';
import { createSplitstreamCodec } from '@cfskit/compression';
import { openSplitstream, SplitstreamWriter, type FinishedSplitstream, type SplitstreamCodec } from '../src/index.ts';

const COUNT = 100_000;
const ids = Array.from({ length: COUNT }, (_, index) => hash('sha256', String(index)));
const header = new Uint8Array(512);
const padding = new Uint8Array(300);

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  process.stdout.write(`${name.padEnd(28)} ${(performance.now() - start).toFixed(0).padStart(5)} ms\n`);
  return result;
}

async function write(codec: SplitstreamCodec): Promise<FinishedSplitstream> {
  const writer = new SplitstreamWriter({ algorithm: 'sha256', contentType: 0n, codec });
  for (const [index, id] of ids.entries()) {
    new TextEncoder().encodeInto(`usr/share/doc/package-${index % 977}/${index}\0`, header);
    new TextEncoder().encodeInto((index * 7919).toString(8), header.subarray(140));
    writer.inline(header);
    writer.external(id, 1000);
    writer.inline(padding);
  }
  return writer.finish();
}

async function read(file: Uint8Array, codec: SplitstreamCodec): Promise<number> {
  let count = 0;
  for await (const _ of (await openSplitstream(file, { algorithm: 'sha256', codec })).chunks()) count++;
  return count;
}

for (const name of ['zstd-napi', 'node'] as const) {
  const codec = createSplitstreamCodec(name);
  for (let round = 0; round < 3; round++) {
    const finished = await timed(`write, ${name}`, () => write(codec));
    const file = new Uint8Array(Buffer.concat([...finished.chunks()]));
    await timed(`read, ${name}`, () => read(file, codec));
  }
}

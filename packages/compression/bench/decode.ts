// Output of each decoder in MB/s, for files given by path: `.gz` or `.zst`, best read from the page cache or a tmpfs.
//   node --conditions=source bench/decode.ts layer.tar.gz layer.tar.zst
// Best of five rounds, since other work on the machine only ever adds time; docs/decisions/decoders.md has the numbers.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { backends, decode, detectFormat, type DecodeOptions } from '../src/index.ts';

const ROUNDS = 5;

function* chunksOf(path: string): Generator<Uint8Array, void> {
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const chunk = new Uint8Array(2 ** 18);
      const size = readSync(fd, chunk);
      if (size === 0) return;
      yield chunk.subarray(0, size);
    }
  } finally {
    closeSync(fd);
  }
}

/** Best rate of several rounds of something that returns how many bytes it put out. */
async function measure(name: string, round: () => Promise<number>): Promise<void> {
  let best = 0;
  for (let count = 0; count < ROUNDS; count++) {
    const start = performance.now();
    const size = await round();
    best = Math.max(best, size / (performance.now() - start) / 1000);
  }
  process.stdout.write(`${name.padEnd(44)} ${best.toFixed(0).padStart(6)} MB/s\n`);
}

async function run(path: string, options: DecodeOptions, use: (chunk: Uint8Array) => void): Promise<number> {
  let size = 0;
  for await (const chunk of decode(chunksOf(path), options)) {
    size += chunk.byteLength;
    use(chunk);
  }
  return size;
}

for (const path of process.argv.slice(2)) {
  const format = detectFormat(readFileSync(path).subarray(0, 4));
  process.stdout.write(`${path}: ${format}\n`);
  for (const { name: backend, available } of backends().filter((info) => info.format === format)) {
    if (!available) continue;
    const options = { format, backend, limits: { maxRatio: Infinity } };
    const spare: Uint8Array<ArrayBuffer>[] = [];
    const allocate = (size: number): Uint8Array<ArrayBuffer> => spare.pop() ?? new Uint8Array(size);
    await measure(`  ${backend}`, () => run(path, options, () => undefined));
    await measure(`  ${backend}, buffers used again`, () =>
      run(path, { ...options, allocate }, (chunk) => spare.push(new Uint8Array(chunk.buffer as ArrayBuffer))),
    );
    await measure(`  ${backend}, with sha256 in the same thread`, () => {
      const hash = createHash('sha256');
      return run(path, options, (chunk) => hash.update(chunk));
    });
  }
  if (format === 'gzip') await measure('  gunzipSync, whole file', async () => gunzipSync(readFileSync(path)).byteLength);
}

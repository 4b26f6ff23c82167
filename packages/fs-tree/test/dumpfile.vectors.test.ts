import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fromLatin1 } from '@cfskit/binary';
import { expect, it } from 'vitest';
import { checkTree, FsTreeError, parseDumpfile, readDumpfile, writeDumpfile } from '../src/index.ts';
import { dump, outcome } from './support.ts';

interface ParserCase {
  readonly name: string;
  readonly dump: string;
  readonly dump_encoding?: string;
  readonly port: string;
}

interface DumpVector {
  readonly name: string;
  readonly file?: string;
  readonly recipe?: { readonly head: string[]; readonly repeat: { readonly from: number; readonly to: number; readonly line: string } };
  readonly dump_sha256: string;
  readonly rs_canonical?: string;
}

interface Vectors {
  readonly parser_cases: ParserCase[];
  readonly vectors: DumpVector[];
  readonly assets: { readonly name: string; readonly input: string }[];
}

const directory = new URL('vectors/', import.meta.url);
const vectors = JSON.parse(readFileSync(new URL('dumpfile.json', directory), 'utf8')) as Vectors;

function inputOf({ file, recipe }: DumpVector): Uint8Array {
  if (file !== undefined) return readFileSync(new URL(`dumps/${file}`, directory));
  const { head, repeat } = recipe!;
  const count = repeat.to - repeat.from + 1;
  const lines = Array.from({ length: count }, (_, i) => repeat.line.replace('%05d', `${repeat.from + i}`.padStart(5, '0')));
  return fromLatin1([...head, ...lines].map((line) => `${line}\n`).join(''));
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

it('has all cases', () => {
  expect([vectors.parser_cases.length, vectors.vectors.length]).toEqual([105, 52]);
});

it.each(vectors.parser_cases.map((c) => [c.name, c] as const))('parser case %s', (_, c) => {
  const bytes = c.dump_encoding === undefined ? new TextEncoder().encode(c.dump) : fromLatin1(c.dump);
  const result = outcome(() => parseDumpfile(bytes));
  expect(result instanceof FsTreeError ? 'reject' : 'accept').toBe(c.port.split(':')[0]);
});

it.each(vectors.vectors.map((v) => [v.name, v] as const))('%s: read, checked, and written in the form of composefs-rs', async (_, v) => {
  const bytes = inputOf(v);
  expect(sha256(bytes)).toBe(v.dump_sha256);
  const root = await readDumpfile([bytes.subarray(0, 1000), bytes.subarray(1000)]);
  checkTree(root);
  const written = dump(root);
  // Forms that only the C tools know have no expected text; what we write for them is read as the same tree.
  expect(sha256(written)).toBe(v.rs_canonical ?? sha256(dump(parseDumpfile(fromLatin1(written)))));
  expect(Buffer.concat([...writeDumpfile(root)]).toString()).toBe(written);
});

it.each(vectors.assets.map((asset) => [asset.name, asset] as const))('%s of the C test suite', (name, { input }) => {
  const result = outcome(() => parseDumpfile(fromLatin1(input)));
  expect(result instanceof FsTreeError ? result.reason : 'accept').toBe(
    name === 'no-newline.dump' ? 'a directory has no device number' : 'accept',
  );
});

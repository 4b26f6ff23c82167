import { fromLatin1 } from '@cfskit/binary';
import { dumpLines, parseDumpfile, type Directory } from '@cfskit/fs-tree';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ErofsError, type FormatVersion, type Profile } from '../src/index.ts';

interface ImageVector {
  readonly composefs_version?: FormatVersion;
  readonly size: number;
  readonly sha256: string;
  readonly fsverity_sha256: string;
  readonly fsverity_sha512: string;
  readonly error?: string;
}

export interface DumpVector {
  readonly name: string;
  readonly file?: string;
  readonly recipe?: {
    readonly head: readonly string[];
    readonly repeat: { readonly from: number; readonly to: number; readonly line: string };
  };
  readonly c?: Readonly<Record<string, ImageVector>>;
  readonly rs?: Readonly<Record<string, ImageVector>>;
  readonly redump_sha256?: Readonly<Record<string, string>>;
}

interface Verdict {
  readonly ok: boolean;
  readonly sha256?: string;
}

export interface ParserCase {
  readonly name: string;
  readonly dump: string;
  readonly dump_encoding?: string;
  readonly c: Verdict;
  readonly rs_v0: Verdict;
  readonly port: string;
}

export interface HostileVector {
  readonly name: string;
  readonly base: string;
  readonly base_format: string;
  readonly base_sha256: string;
  readonly patches?: readonly { readonly offset: number; readonly hex: string }[];
  readonly truncate_to?: number;
  readonly port: string;
}

interface Index {
  readonly vectors: readonly DumpVector[];
  readonly parser_cases: readonly ParserCase[];
  readonly hostile: readonly HostileVector[];
  readonly composefs_rs_expected: readonly {
    readonly name: string;
    readonly dump?: string;
    readonly format: string;
    readonly digest_algorithm: string;
    readonly expected: string;
    readonly image_sha256: string;
  }[];
  readonly composefs_c_test_assets: {
    readonly assets: readonly {
      readonly name: string;
      readonly arguments?: string;
      readonly input?: string;
      readonly expected_image_sha256: string;
    }[];
  };
  readonly name_filter: { readonly names: readonly { readonly name: string; readonly epoch1: FilterVector; readonly v2: FilterVector }[] };
  readonly xxh32: readonly { readonly data: string; readonly seed: number; readonly hash: string }[];
}

interface FilterVector {
  readonly index: number;
  readonly suffix: string;
  readonly bit: number;
}

export interface TreeVector {
  readonly name: string;
  readonly oci?: string | { readonly error: string };
  readonly boot?: string | { readonly error: string };
  readonly oci_image_ids?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly boot_image_ids_sha256?: Readonly<Record<string, string>>;
}

const directory = new URL('vectors/', import.meta.url);

export const index = JSON.parse(readFileSync(new URL('index.json', directory), 'utf8')) as Index;
export const treeVectors = (JSON.parse(readFileSync(new URL('tree.json', directory), 'utf8')) as { cases: readonly TreeVector[] }).cases;

/** The dump of a vector. */
export function dumpOf({ file, recipe }: DumpVector): Uint8Array {
  if (file !== undefined) return readFileSync(new URL(file, directory));
  const { head = [], repeat = { from: 0, to: -1, line: '' } } = recipe ?? {};
  const lines = [...head];
  for (let i = repeat.from; i <= repeat.to; i++) lines.push(repeat.line.replace('%05d', String(i).padStart(5, '0')));
  return fromLatin1(`${lines.join('\n')}\n`);
}

/** A new tree each time, for tests must not see what other tests did to it. */
export function treeOf(name: string): Directory {
  const vector = index.vectors.find((candidate) => candidate.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return parseDumpfile(dumpOf(vector));
}

export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The text of a dumpfile. */
export function text(lines: Iterable<string>): string {
  return [...lines].map((line) => `${line}\n`).join('');
}

export function dump(root: Directory): string {
  return text(dumpLines(root));
}

/** One image of a vector: who made it, and how. */
export interface Expected {
  readonly label: string;
  readonly vector: DumpVector;
  readonly profile: Profile;
  readonly version: FormatVersion;
  readonly image: ImageVector;
}

/** Images that are other than the reference's on purpose. */
const EXEMPT = new Set([
  'external-size-zero rs V0',
  'external-size-zero rs V1',
  'external-size-zero rs V2',
  'whiteout-opaque-clash rs V0',
  'whiteout-opaque-clash rs V1',
]);

/** Every image that is to come out bit for bit. */
export const expectedImages: readonly Expected[] = index.vectors
  .flatMap((vector) => imagesOf(vector))
  .filter(({ label, image }) => image.error === undefined && !EXEMPT.has(label));

function imagesOf(vector: DumpVector): Expected[] {
  const fromC = Object.entries(vector.c ?? {}).map(([key, image]) => expected(vector, 'c', key, image.composefs_version ?? 0, image));
  const fromRust = Object.entries(vector.rs ?? {}).map(([key, image]) => expected(vector, 'rs', key, Number(key.slice(1)), image));
  return fromC.concat(fromRust);
}

function expected(vector: DumpVector, profile: Profile, key: string, version: number, image: ImageVector): Expected {
  return { label: `${vector.name} ${profile} ${key}`, vector, profile, version: version as FormatVersion, image };
}

/** The error of the package that `step` throws; any other is thrown on. */
export function failure(step: () => unknown): ErofsError {
  try {
    step();
  } catch (error) {
    if (error instanceof ErofsError) return error;
    throw error;
  }
  throw new Error('accepted');
}

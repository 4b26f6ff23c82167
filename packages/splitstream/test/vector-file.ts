import { fsVerityDigest, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import { SplitstreamWriter, type SplitstreamCodec } from '../src/index.ts';
import { bytes, utf8 } from './support.ts';
import data from './vectors/splitstream.json' with { type: 'json' };

interface Recipe {
  readonly kind: string;
  readonly size: number;
  readonly byte?: number;
  readonly mul?: number;
  readonly add?: number;
}

interface Operation {
  readonly inline_text?: string;
  readonly inline_hex?: string;
  readonly inline_recipe?: Recipe;
  readonly external_text?: string;
  readonly external_recipe?: Recipe;
  readonly named_ref?: readonly [name: string, id: ObjectId];
  readonly object_ref?: ObjectId;
}

type Raw = (typeof data.vectors)[number];

/** A vector with its hex decoded. */
export interface Vector {
  readonly id: string;
  readonly algorithm: Algorithm;
  readonly operations: readonly Operation[];
  readonly file: Uint8Array;
  readonly oldFile: Uint8Array;
  readonly objectId: ObjectId;
  readonly oldObjectId: ObjectId;
  readonly contentType: bigint;
  readonly raw: Raw;
}

export const vectors: readonly Vector[] = data.vectors.map((raw) => {
  const file = bytes(raw.file_hex);
  const oldFile = file.slice();
  oldFile.set(bytes(raw.old_layout_header_hex));
  return {
    id: raw.id,
    algorithm: raw.algorithm as Algorithm,
    operations: raw.operations as unknown as readonly Operation[],
    file,
    oldFile,
    objectId: raw.object_id,
    oldObjectId: raw.old_layout_object_id,
    contentType: BigInt(raw.content_type_hex),
    raw,
  };
});

export const legacy: readonly { id: string; algorithm: Algorithm; file: Uint8Array; objectId: ObjectId }[] = data.legacy_0_3_0.map(
  (raw) => ({
    id: raw.id,
    algorithm: raw.algorithm as Algorithm,
    file: bytes(raw.file_hex),
    objectId: raw.object_id,
  }),
);

/** Patches of `reject` and `accept`, applied to their base. */
function patched({ base, patch }: { base: string; patch: readonly (readonly (number | string)[])[] }): Uint8Array {
  const file = vectors.find((vector) => vector.id === base)?.file.slice() ?? new Uint8Array(0);
  for (const [offset, hex] of patch) file.set(bytes(String(hex)), Number(offset));
  return file;
}

export const rejected: readonly { why: string; file: Uint8Array; error: string }[] = data.reject.map((entry) => ({
  why: entry.why,
  file: patched(entry),
  error: entry.error,
}));

export const accepted: readonly { why: string; file: Uint8Array }[] = data.accept.map((entry) => ({
  why: entry.why,
  file: patched(entry),
}));

/** Content types as the vector file lists them. */
export const contentTypes: Readonly<Record<string, string>> = data.content_types;

function make({ kind, size, byte = 0, mul = 0, add = 0 }: Recipe): Uint8Array {
  if (kind === 'fill') return new Uint8Array(size).fill(byte);
  return Uint8Array.from({ length: size }, (_, index) => index * mul + add);
}

function inlineOf(operation: Operation): Uint8Array | undefined {
  if (operation.inline_text !== undefined) return utf8(operation.inline_text);
  if (operation.inline_hex !== undefined) return bytes(operation.inline_hex);
  return operation.inline_recipe && make(operation.inline_recipe);
}

function externalOf(operation: Operation): Uint8Array | undefined {
  if (operation.external_text !== undefined) return utf8(operation.external_text);
  return operation.external_recipe && make(operation.external_recipe);
}

/** A writer that has done what a vector asks for. */
export function perform(vector: Vector, codec: SplitstreamCodec): SplitstreamWriter {
  const writer = new SplitstreamWriter({ algorithm: vector.algorithm, contentType: vector.contentType, codec });
  for (const operation of vector.operations) {
    const inline = inlineOf(operation);
    const external = externalOf(operation);
    if (inline !== undefined) writer.inline(inline);
    if (external !== undefined) writer.external(fsVerityDigest(external, vector.algorithm), external.byteLength);
    if (operation.named_ref !== undefined) writer.namedRef(...operation.named_ref);
    if (operation.object_ref !== undefined) writer.objectRef(operation.object_ref);
  }
  return writer;
}

/** Contents of a vector's objects by id, and its whole content. */
export function contentOf(vector: Vector): { objects: ReadonlyMap<ObjectId, Uint8Array>; content: Uint8Array } {
  const externals = vector.operations.flatMap((operation) => externalOf(operation) ?? []);
  const pieces = vector.operations.flatMap((operation) => inlineOf(operation) ?? externalOf(operation) ?? []);
  const objects = new Map(externals.map((external) => [fsVerityDigest(external, vector.algorithm), external]));
  return { objects, content: new Uint8Array(Buffer.concat(pieces)) };
}

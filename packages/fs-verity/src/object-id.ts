import { digestLength, parseHashName, type Algorithm } from './algorithm.ts';
import { FsVerityError } from './errors.ts';

/** The fs-verity digest of an object as lower-case hex: 64 characters for sha256, 128 for sha512. */
export type ObjectId = string;

/**
 * Read an object id: hex digits of either case, or those behind `sha256:` or `sha512:`.
 *
 * @param algorithm which one it has to be; without it, the prefix or the length decides
 * @throws {FsVerityError} ODD_LENGTH, INVALID_STRING_LENGTH, INVALID_HEX_CHARACTER; UNKNOWN_HASH or WRONG_ALGORITHM for the prefix
 */
export function parseObjectId(text: string, algorithm?: Algorithm): ObjectId {
  const colon = text.indexOf(':');
  if (colon < 0) return parseHex(text, algorithm);
  const named = parseHashName(text.slice(0, colon));
  if (algorithm !== undefined && named !== algorithm) {
    throw new FsVerityError('WRONG_ALGORITHM', `expected an object id of ${algorithm}, found one of ${named}`);
  }
  return parseHex(text.slice(colon + 1), named);
}

/** `sha256:<hex>` or `sha512:<hex>`. It looks like an OCI digest and is none: it is the digest of a descriptor, not of the content. */
export function formatObjectId(id: ObjectId): string {
  return `${algorithmOf(id)}:${id}`;
}

/**
 * The algorithm that an object id belongs to, by its length.
 *
 * @throws {TypeError} if it is no object id
 */
export function algorithmOf(id: ObjectId): Algorithm {
  if (id.length === 64) return 'sha256';
  if (id.length === 128) return 'sha512';
  throw new TypeError(`not an object id: ${id}`);
}

/**
 * Path of an object below `objects`: the first two digits, a slash, the others.
 *
 * @throws {TypeError} if it is no object id in the form of {@link ObjectId}, so that no other text ever becomes part of a path
 */
export function objectPath(id: ObjectId): string {
  algorithmOf(id);
  if (!LOWER_HEX.test(id)) throw new TypeError(`not an object id: ${id}`);
  return `${id.slice(0, 2)}/${id.slice(2)}`;
}

/**
 * Read the id from the path of an object. Only the end of the path counts; the directories before it may be any.
 *
 * @throws {FsVerityError} INVALID_STRING_LENGTH, INVALID_HEX_CHARACTER
 */
export function parseObjectPath(path: string, algorithm: Algorithm): ObjectId {
  const length = 2 * digestLength(algorithm) + 1;
  if (path.length < length) throw invalidLength();
  const end = path.slice(-length);
  const directory = checkHex(end.slice(0, 2));
  if (end[2] !== '/') throw invalidCharacter(end, 2);
  return directory + checkHex(end.slice(3));
}

/**
 * Read the id of an object from its place: the directory's number, 0 to 255, and the file name in it.
 *
 * @throws {FsVerityError} INVALID_STRING_LENGTH, INVALID_HEX_CHARACTER
 */
export function parseObjectName(directory: number, name: string, algorithm: Algorithm): ObjectId {
  if (name.length !== 2 * (digestLength(algorithm) - 1)) throw invalidLength();
  return directory.toString(16).padStart(2, '0') + checkHex(name);
}

function parseHex(text: string, algorithm: Algorithm | undefined): ObjectId {
  if (text.length % 2 !== 0) throw new FsVerityError('ODD_LENGTH', 'Odd number of digits');
  const fits = algorithm === undefined ? text.length === 64 || text.length === 128 : text.length === 2 * digestLength(algorithm);
  if (!fits) throw invalidLength();
  return checkHex(text);
}

function checkHex(text: string): string {
  const other = text.search(/[^0-9A-Fa-f]/);
  if (other >= 0) throw invalidCharacter(text, other);
  return text.toLowerCase();
}

function invalidLength(): FsVerityError {
  return new FsVerityError('INVALID_STRING_LENGTH', 'Invalid string length');
}

function invalidCharacter(text: string, offset: number): FsVerityError {
  return new FsVerityError('INVALID_HEX_CHARACTER', `Invalid character '${text[offset]}' at position ${offset}`, offset);
}

const LOWER_HEX = /^[0-9a-f]+$/;

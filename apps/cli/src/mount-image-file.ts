import { constants, openSync } from 'node:fs';
import { CliError, UsageError } from '@cfskit/cli-kit';
import { readValue } from '@cfskit/cli-kit/images';
import {
  closeDescriptor,
  measureVerity,
  mountComposefs,
  mountErofs,
  mountSetattr,
  moveMount,
  O_PATH,
  type ComposefsMount,
} from '@cfskit/linux';
import { parseObjectId, type ObjectId } from '@cfskit/fs-verity';

/** What `-o` of mount.composefs says. */
export interface ImageFileOptions {
  readonly basedirs: readonly string[];
  readonly digest?: ObjectId;
  readonly verity: ComposefsMount['verity'];
  readonly upperdir?: string;
  readonly workdir?: string;
  /** Path of a user namespace. */
  readonly idmap?: string;
  readonly readOnly: boolean;
}

/**
 * Read the value of `-o`: names and values between commas, a backslash before a character that stands for itself. A later one counts.
 *
 * @throws {UsageError}
 */
export function parseMountOptions(text: string): ImageFileOptions {
  const found = new Map<string, string | undefined>();
  let readOnly = false;
  for (const [key, value] of splitOptions(text)) {
    if (!KNOWN.has(key)) throw new UsageError(`-o: unsupported option ${key}`);
    if (VALUED.has(key) && value === undefined) throw new UsageError(`-o: no value for ${key}`);
    if (key === 'ro' || key === 'rw') readOnly = key === 'ro';
    found.set(key, value);
  }
  const digest = found.get('digest');
  const [upperdir, workdir, idmap] = [found.get('upperdir'), found.get('workdir'), found.get('idmap')];
  if ((upperdir === undefined) !== (workdir === undefined)) throw new UsageError('-o: upperdir and workdir go together');
  return {
    basedirs: basedirsOf(found.get('basedir')),
    ...(digest !== undefined && { digest: readValue('-o: digest', () => parseObjectId(digest)) }),
    verity: found.has('verity') || digest !== undefined ? 'require' : found.has('tryverity') ? 'try' : 'off',
    ...(upperdir !== undefined && { upperdir }),
    ...(workdir !== undefined && { workdir }),
    ...(idmap !== undefined && { idmap }),
    readOnly,
  };
}

/**
 * Mount an image file with directories of objects.
 *
 * @param target an existing directory
 * @throws {CliError} MISMATCH if the image is not the one that the digest names; {LinuxError}. Node's own errors.
 */
export function mountImageFile(image: string, target: string, options: ImageFileOptions): void {
  const closing: number[] = [];
  const opened = (path: string, flags: number): number => {
    const fd = openSync(path, flags);
    closing.push(fd);
    return fd;
  };
  try {
    const fd = opened(image, constants.O_RDONLY);
    if (options.digest !== undefined) checkDigest(fd, image, options.digest);
    const directory = (path: string): number => opened(path, O_PATH | constants.O_DIRECTORY);
    const objects = options.basedirs.map(directory);
    const { upperdir, workdir, idmap } = options;
    const upper = upperdir === undefined || workdir === undefined ? undefined : { upper: directory(upperdir), work: directory(workdir) };
    const userNamespace = idmap === undefined ? undefined : opened(idmap, constants.O_RDONLY | constants.O_NOCTTY);
    const erofs = mountErofs(fd).fd;
    closing.push(erofs);
    if (userNamespace !== undefined) mountSetattr(erofs, { userNamespace });
    const attributes = { readOnly: options.readOnly };
    const overlay = mountComposefs({ source: 'composefs', erofs, objects, verity: options.verity, upper, attributes }).fd;
    closing.push(overlay);
    moveMount(overlay, target);
  } finally {
    for (const fd of closing) closeDescriptor(fd);
  }
}

function checkDigest(fd: number, image: string, wanted: ObjectId): void {
  const found = measureVerity(fd);
  if (typeof found !== 'object') throw new CliError('MISMATCH', `Failed to mount composefs ${image}: Image has no fs-verity`);
  if (found.digest === wanted) return;
  throw new CliError('MISMATCH', `Failed to mount composefs ${image}: Image has wrong fs-verity`, {
    detail: { wanted, found: found.digest },
  });
}

function* splitOptions(text: string): Generator<readonly [key: string, value: string | undefined], void> {
  for (const [option = ''] of text.matchAll(/(?:\\[^]|[^,\\])+/g)) {
    const equal = option.indexOf('=');
    yield equal < 0 ? [option, undefined] : [option.slice(0, equal), option.slice(equal + 1).replaceAll(/\\([^])/g, '$1')];
  }
}

function basedirsOf(value: string | undefined): string[] {
  const paths = (value ?? '').split(':');
  if (value === undefined) throw new UsageError('-o: no basedir, wanted basedir=PATH[:PATH]');
  if (paths.includes('')) throw new UsageError(`-o: basedir has an empty path: ${value}`);
  return paths;
}

const VALUED: ReadonlySet<string> = new Set(['basedir', 'digest', 'upperdir', 'workdir', 'idmap']);
const KNOWN: ReadonlySet<string> = new Set([...VALUED, 'verity', 'tryverity', 'ro', 'rw']);

import { CliError, UsageError } from '@cfskit/cli-kit';
import { readValue } from '@cfskit/cli-kit/images';
import { parseObjectId } from '@cfskit/fs-verity';
import { findTag } from '@cfskit/oci-import';
import { checkRefName, type Repository } from '@cfskit/repository';
import { tooShortHint } from './digest-prefix.ts';
import { notFound } from './near-names.ts';

/** How the help describes the name of a stored EROFS image. */
export const IMAGE_NAME_TEXT: string =
  'Stored EROFS image: refs/NAME, ref/NAME or NAME, or its id as hex or algorithm:hex, or the first 12 hex digits or more of it';

const PREFIX = /^[0-9a-f]{12,127}$/;
const NAMED_ID = /^sha(256|512):/;
const CANDIDATES = 10;

/**
 * Understand the name of a stored image as it was typed, in one of the forms that the repository knows: an id, or `refs/` and a name, or a
 * bare one.
 *
 * @param what how the help calls the argument
 * @throws {UsageError}
 */
export function parseImageName(text: string, what: string): string {
  if (text === '') throw new UsageError(`${what}: the name is empty`);
  if (NAMED_ID.test(text)) return readValue(what, () => parseObjectId(text));
  const name = text.startsWith('ref/') ? `refs/${text.slice('ref/'.length)}` : text;
  readValue(what, () => checkRefName(name.startsWith('refs/') ? name.slice('refs/'.length) : name));
  return name;
}

/**
 * The name under which a repository finds an image: a reference as it is, or the id that digits mean.
 *
 * @param name of {@link parseImageName}
 * @throws {CliError} NOT_FOUND: there is none, with near names; or the digits fit several
 */
export function findImageName(repository: Repository, name: string): string {
  const images = repository.images();
  const refs = images.flatMap((image) => image.refs);
  if (refs.includes(name.startsWith('refs/') ? name.slice('refs/'.length) : name)) return name;
  const digits = name.toLowerCase();
  const ids = images.map(({ id }) => id).filter((id) => id === digits || (PREFIX.test(digits) && id.startsWith(digits)));
  const [only, second] = ids;
  if (only === undefined)
    throw notFound(`image not found: ${name}${tooShortHint(name)}${ociImageHint(repository, name)}`, name, [
      ...refs.map((ref) => `refs/${ref}`),
      ...refs,
    ]);
  if (second === undefined) return only;
  throw new CliError('NOT_FOUND', `${ids.length} images begin with ${name}`, { detail: { candidates: ids.slice(0, CANDIDATES) } });
}

function ociImageHint(repository: Repository, name: string): string {
  if (findTag(repository, name) === undefined) return '';
  return '; an OCI image has this name: "cfskit oci mount" mounts it, "cfskit inspect" tells the id of its EROFS image';
}

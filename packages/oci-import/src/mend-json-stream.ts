import { OciImportError } from './errors.ts';
import type { ImageJob } from './image-job.ts';
import { findJsonStream } from './image-streams.ts';
import type { JsonStream, JsonStreamName } from './json-stream.ts';
import { isDamage } from './layer-damage.ts';

/**
 * The stored config or manifest of that name. Where its JSON is damaged or gone, it is stored again from the source; a stream that cannot
 * be read counts as none, to be written again.
 *
 * @param fetch the JSON from the source, checked against its digest
 * @throws {OciImportError} INTEGRITY, CORRUPT_STREAM: a sound stream that holds something else
 */
export async function mendJsonStream(
  { repository, options }: ImageJob,
  name: JsonStreamName,
  fetch: () => Promise<Uint8Array>,
): Promise<JsonStream | undefined> {
  try {
    return await findJsonStream(repository, name);
  } catch (error) {
    if (!isDamage(error) && !isWrongJson(error)) throw error;
    const raw = await fetch();
    repository.objects.forget(); // what it has seen is not what there is
    repository.objects.putSync(raw);
    options.onWarning?.(`the stored ${name.what.toLowerCase()} ${name.digest} is stored again: ${error.message}`);
    return findJsonStream(repository, name).catch(noneIfDamaged);
  }
}

function isWrongJson(error: unknown): error is OciImportError {
  return error instanceof OciImportError && error.code === 'INTEGRITY';
}

/** For a promise of a stream: one that cannot be read counts as none. */
export function noneIfDamaged(error: unknown): undefined {
  if (!isDamage(error)) throw error;
}

import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What the user may have meant by a directory that is not there, as text to append to a message; empty if there is nothing to say.
 * skopeo splits `oci:path:tag` at the first colon and allows slashes in the tag; here the last colon counts.
 */
export async function skopeoHint(path: string, tag: string | undefined): Promise<string> {
  if (tag !== undefined && (await isLayout(`${path}:${tag}`))) {
    return `; there is a layout in ${path}:${tag}: write oci:${path}:${tag}/ to name a directory with a colon`;
  }
  const colon = path.indexOf(':');
  if (colon <= 0 || !(await isLayout(path.slice(0, colon)))) return '';
  const meant = tag === undefined ? path.slice(colon + 1) : `${path.slice(colon + 1)}:${tag}`;
  return `; there is a layout in ${path.slice(0, colon)}, but its tag would be '${meant}', and here the last colon separates the tag, which has no slashes`;
}

async function isLayout(path: string): Promise<boolean> {
  const found = await Promise.all(['index.json', 'oci-layout'].map((name) => stat(join(path, name)).catch(() => undefined)));
  return found.some((stats) => stats?.isFile() === true);
}

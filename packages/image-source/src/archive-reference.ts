/** The name of an `oci-archive:` or `docker-archive:` reference. */
export interface ArchiveRef {
  readonly path: string;
  /** Of the image inside: a ref name, a name of Docker, or `@0`. */
  readonly name?: string;
}

/** How paths look. */
export interface ArchiveRefOptions {
  /** Keep the colon of `C:\file` or `C:/file` with the path. */
  readonly windows?: boolean;
}

const DRIVE = /^[A-Za-z]:[\\/]/;

/**
 * Split `path[:name]` at the first colon, as skopeo does: names of images have colons and slashes, so paths cannot have colons. (`oci:`
 * paths are split at the last one.) Nothing behind the colon is the same as no colon.
 */
export function parseArchiveRef(text: string, { windows = false }: ArchiveRefOptions = {}): ArchiveRef {
  const colon = text.indexOf(':', windows && DRIVE.test(text) ? 2 : 0);
  if (colon < 0) return { path: text };
  const name = text.slice(colon + 1);
  return { path: text.slice(0, colon), ...(name !== '' && { name }) };
}

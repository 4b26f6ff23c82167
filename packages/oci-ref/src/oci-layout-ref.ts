/** The name of an `oci:` reference. An empty tag is a tag like any other; without one there is no `tag`. */
export interface OciLayoutRef {
  readonly path: string;
  readonly tag?: string;
}

/** How paths look. */
export interface OciLayoutRefOptions {
  /** Keep the colon of `C:\dir` or `C:/dir` with the path. Off if not said, as in the reference. */
  readonly windows?: boolean;
}

const DRIVE = /^[A-Za-z]:[\\/]/;

/**
 * Split `path[:tag]` at the last colon, unless a slash follows it. Any text is accepted; relative paths stay relative.
 *
 * skopeo splits at the first colon instead, so tags with slashes or colons mean something else there: see {@link skopeoLayoutRef}.
 */
export function parseOciLayoutRef(text: string, { windows = false }: OciLayoutRefOptions = {}): OciLayoutRef {
  const colon = text.lastIndexOf(':');
  const isDrive = windows && colon === 1 && DRIVE.test(text);
  if (colon < 0 || isDrive || text.includes('/', colon + 1)) return { path: text };
  return { path: text.slice(0, colon), tag: text.slice(colon + 1) };
}

/**
 * The text that {@link parseOciLayoutRef} splits again in the same way.
 *
 * @throws {RangeError} if there is none: the tag holds a colon or slash, or a path without tag has a colon after its last slash
 */
export function formatOciLayoutRef(ref: OciLayoutRef, options: OciLayoutRefOptions = {}): string {
  const text = ref.tag === undefined ? ref.path : `${ref.path}:${ref.tag}`;
  const parsed = parseOciLayoutRef(text, options);
  if (parsed.path === ref.path && parsed.tag === ref.tag) return text;
  throw new RangeError(`wanted a path and tag that can be written as path:tag, found ${JSON.stringify(ref)}`);
}

/**
 * How skopeo understands the same text, where that differs: split at the first colon, with anything behind it. For the hint that a
 * directory was not found but the other reading is a layout; never use it in silence.
 */
export function skopeoLayoutRef(text: string): OciLayoutRef | undefined {
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  const path = text.slice(0, colon);
  return parseOciLayoutRef(text).path === path ? undefined : { path, tag: text.slice(colon + 1) };
}

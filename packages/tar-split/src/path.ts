const SLASH = 0x2f;

/**
 * The path that the listing shows for a tar name: one leading slash removed and one put in front, all trailing slashes removed.
 * The root is the empty path. `.`, `..` and doubled slashes stay: whoever builds a tree compares components.
 *
 * @returns a copy
 */
export function absolutePath(name: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = name[0] === SLASH ? 1 : 0;
  let end = name.length;
  while (end > start && name[end - 1] === SLASH) end--;
  if (end === start) return new Uint8Array(0);
  const path = new Uint8Array(end - start + 1);
  path[0] = SLASH;
  path.set(name.subarray(start, end), 1);
  return path;
}

/** The rows of the design, lowest first. A package imports from lower rows, and sideways only as listed. */
export const ROWS: readonly (readonly [row: string, packages: readonly string[]])[] = [
  ['vocabulary', ['binary', 'oci-spec', 'progress']],
  ['formats', ['oci-ref', 'fs-verity', 'splitstream', 'tar-split', 'fs-tree', 'erofs']],
  ['platform', ['compression', 'linux']],
  ['media', ['ocidir', 'registry', 'image-proxy', 'containers-storage', 'repository', 'fs-scan']],
  ['compose', ['image-source', 'oci-import', 'render']],
  ['kit', ['cli-kit']],
  ['apps', ['cli', 'proxy-import']],
];

/** The edges allowed inside a row. */
const SIDEWAYS: Readonly<Record<string, readonly string[]>> = {
  splitstream: ['fs-verity'],
  erofs: ['fs-verity', 'fs-tree'],
  'fs-tree': ['fs-verity'],
  compression: ['linux'],
};

/** Where in `ROWS` a package is; -1 where it is not. */
export function rowOf(name: string): number {
  return ROWS.findIndex(([, packages]) => packages.includes(name));
}

/** Whether `from` may import `to` (both without the scope). */
export function mayImport(from: string, to: string): boolean {
  return rowOf(to) < rowOf(from) || (SIDEWAYS[from] ?? []).includes(to);
}

/** Rows whose packages also run in a browser: no `node:*`. */
export const BROWSER_ROWS: readonly string[] = ['vocabulary', 'formats'];

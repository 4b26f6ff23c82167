/** What `storage.conf` says about where images are. */
export interface StorageConf {
  readonly driver?: string;
  readonly graphRoot?: string;
  /** Of ordinary users; may hold `$HOME`, `$USER` and `$UID`. */
  readonly rootlessPath?: string;
  /** Further stores, which are only read. */
  readonly imageStores: readonly string[];
}

/**
 * Read the part of a `storage.conf` that says where images are. Of TOML that is tables, and keys with a text or a list of texts; whatever else there is
 * is passed over.
 */
export function parseStorageConf(text: string): StorageConf {
  const values = new Map<string, readonly string[]>();
  let table = '';
  for (const line of joinLists(text)) {
    const header = /^\s*\[\s*([\w.-]+)\s*\]/.exec(line)?.[1];
    if (header !== undefined) table = header;
    const [, key, value] = /^\s*"?([\w-]+)"?\s*=\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) values.set(`${table}.${key}`, textsIn(value));
  }
  const first = (key: string): string | undefined => values.get(key)?.find((value) => value !== '');
  const driver = first('storage.driver');
  const graphRoot = first('storage.graphroot');
  const rootlessPath = first('storage.rootless_storage_path');
  return {
    ...(driver !== undefined && { driver }),
    ...(graphRoot !== undefined && { graphRoot }),
    ...(rootlessPath !== undefined && { rootlessPath }),
    imageStores: ['storage.imagestore', 'storage.options.imagestore', 'storage.options.additionalimagestores'].flatMap((key) =>
      (values.get(key) ?? []).filter((path) => path !== ''),
    ),
  };
}

/** The lines without comments, lists on one each. */
function joinLists(text: string): readonly string[] {
  const lines: string[] = [];
  let open = '';
  for (const line of text.split(/\r?\n/)) {
    const bare = open + withoutComment(line);
    open = /=\s*\[[^\]]*$/.test(bare) ? `${bare} ` : '';
    if (open === '') lines.push(bare);
  }
  return lines;
}

function withoutComment(line: string): string {
  return /^(?:[^"'#]|"(?:[^"\\]|\\.)*"|'[^']*')*/.exec(line)?.[0] ?? '';
}

/** Basic strings with the two escapes that paths may need, and literal ones. */
function textsIn(value: string): readonly string[] {
  return [...value.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g)].map(
    ([, basic, literal]) => basic?.replace(/\\(["\\])/g, '$1') ?? literal ?? '',
  );
}

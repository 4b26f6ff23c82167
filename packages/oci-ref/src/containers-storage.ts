/** The name of a `containers-storage:` reference: `[store]image`. */
export interface ContainersStorageName {
  /** What stands in the brackets, unparsed; an empty text if they are empty, absent if there are none. */
  readonly storeSpec?: string;
  readonly image: string;
}

/** Which store is meant: `driver@graphroot+runroot:options`, everything but the graph root optional. */
export interface StoreSpec {
  readonly driver?: string;
  readonly graphRoot: string;
  readonly runRoot?: string;
  readonly options: readonly string[];
}

/** Take the brackets apart. A bracket that is not closed belongs to the image. Any text is accepted. */
export function parseContainersStorageName(name: string): ContainersStorageName {
  const end = name.startsWith('[') ? name.indexOf(']') : -1;
  return end < 0 ? { image: name } : { storeSpec: name.slice(1, end), image: name.slice(end + 1) };
}

/** The inverse of {@link parseContainersStorageName}. */
export function formatContainersStorageName({ storeSpec, image }: ContainersStorageName): string {
  return storeSpec === undefined ? image : `[${storeSpec}]${image}`;
}

/** The name as skopeo wants it: image ids without `sha256:` in front (skopeo issue 2750). */
export function skopeoStorageName({ storeSpec, image }: ContainersStorageName): string {
  const bare = image.startsWith('sha256:') ? image.slice('sha256:'.length) : image;
  return formatContainersStorageName({ ...(storeSpec !== undefined && { storeSpec }), image: bare });
}

/** The image of a whole reference, or undefined if it is of another transport. */
export function parseContainersStorageRef(text: string): string | undefined {
  const prefix = 'containers-storage:';
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}

/** Take a store specification apart. Any text is accepted; an empty one has an empty graph root, which stands for the default store. */
export function parseStoreSpec(text: string): StoreSpec {
  const [driver, location] = splitFirst(text, '@');
  const [roots, options] = splitFirst(location ?? driver, ':');
  const [graphRoot, runRoot] = splitFirst(roots, '+');
  return {
    ...(location !== undefined && { driver }),
    graphRoot,
    ...(runRoot !== undefined && { runRoot }),
    options: options === undefined || options === '' ? [] : options.split(','),
  };
}

function splitFirst(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

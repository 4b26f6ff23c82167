import {
  isIndex,
  isManifest,
  parseIndex,
  parseManifest,
  readBlob,
  type Descriptor,
  type ImageSource,
  type OpenOptions,
} from '@cfskit/oci-spec';
import type { ImageRoot } from '@cfskit/ocidir';
import { ImageSourceError } from './errors.ts';

/** Everything below a manifest or index, each blob once. */
export interface ImageTree {
  /** Configs and layers, in the order in which manifests name them. */
  readonly blobs: readonly Descriptor[];
  /** Manifests and indexes below the root, those that others name first. */
  readonly children: readonly ImageRoot[];
}

/** Which layers are part of a tree. */
export interface TreeOptions extends OpenOptions {
  /** Those too that are kept elsewhere. */
  readonly foreignLayers?: boolean;
}

const MAX_NESTING = 4; // indexes below the root, as in chooseManifest
/** Manifests are kept in memory: enough for two thousand platforms, and no way to fill it. */
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/**
 * Read every manifest below a root, checked, and list the blobs. No layer is opened.
 *
 * @throws {ImageSourceError} TOO_LARGE {OciSpecError} {VerifyError}, and what the source throws for a manifest that is not there
 */
export async function readImageTree(
  source: Pick<ImageSource, 'describe' | 'open'>,
  root: ImageRoot,
  options: TreeOptions = {},
): Promise<ImageTree> {
  const walk = new Walk(source, options);
  await walk.visit(root, 0);
  return { blobs: [...walk.blobs.values()], children: walk.children };
}

class Walk {
  readonly blobs = new Map<string, Descriptor>();
  readonly children: ImageRoot[] = [];
  readonly #source: Pick<ImageSource, 'describe' | 'open'>;
  readonly #options: TreeOptions;
  readonly #seen = new Set<string>();
  #manifestBytes = 0;

  constructor(source: Pick<ImageSource, 'describe' | 'open'>, options: TreeOptions) {
    this.#source = source;
    this.#options = options;
  }

  async visit({ descriptor, raw }: ImageRoot, nesting: number): Promise<void> {
    if (!isIndex(descriptor.mediaType)) {
      const { config, layers } = parseManifest(raw);
      for (const blob of [config, ...layers]) if (this.#isWanted(blob)) this.#add(blob);
      return;
    }
    for (const entry of parseIndex(raw).manifests) await this.#enter(entry, nesting + 1);
  }

  async #enter(entry: Descriptor, nesting: number): Promise<void> {
    if (this.#seen.has(entry.digest)) return;
    this.#seen.add(entry.digest);
    if (!isManifest(entry.mediaType) && !isIndex(entry.mediaType)) {
      this.#add(entry); // an index may name anything
      return;
    }
    this.#manifestBytes += entry.size;
    if (nesting > MAX_NESTING || this.#manifestBytes > MAX_MANIFEST_BYTES) throw this.#tooLarge(entry, nesting);
    const { signal } = this.#options;
    const child = { descriptor: entry, raw: await readBlob(this.#source, entry, signal === undefined ? {} : { signal }) };
    await this.visit(child, nesting);
    this.children.push(child);
  }

  #add(descriptor: Descriptor): void {
    if (!this.blobs.has(descriptor.digest)) this.blobs.set(descriptor.digest, descriptor);
  }

  #isWanted({ urls }: Descriptor): boolean {
    return urls === undefined || urls.length === 0 || this.#options.foreignLayers === true;
  }

  #tooLarge({ digest }: Descriptor, nesting: number): ImageSourceError {
    const what = nesting > MAX_NESTING ? `indexes nested deeper than ${MAX_NESTING}` : `more than ${MAX_MANIFEST_BYTES} bytes of manifests`;
    return new ImageSourceError('TOO_LARGE', this.#source.describe(), `the index leads to ${what}: ${digest}`, { digest });
  }
}

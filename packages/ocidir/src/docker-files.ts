import { detectFormat, type CompressionFormat } from '@cfskit/compression';
import {
  createHash,
  diffIds,
  digestOf,
  MAX_JSON_SIZE,
  mediaTypes,
  parseImageConfig,
  VerifyError,
  type Descriptor,
  type Platform,
} from '@cfskit/oci-spec';
import type { Archive } from './archive-file.ts';
import { OciDirError } from './errors.ts';
import type { TarRegion } from './tar-index.ts';

/** What a config says of an image. Its bytes are not kept. */
export interface DockerConfig {
  readonly descriptor: Descriptor;
  readonly region: TarRegion;
  readonly platform: Platform;
  readonly diffIds: readonly string[];
}

/**
 * What there is to know of the files that images of a docker-save archive consist of. Each file is looked at once, by whatever names and
 * however many images it is mentioned: a list of images is short, and may name the same large file a hundred thousand times.
 */
export class DockerFiles {
  readonly #archive: Archive;
  readonly #configs = new Map<TarRegion, Promise<DockerConfig>>();
  readonly #formats = new Map<TarRegion, Promise<CompressionFormat>>();
  readonly #digests = new Map<TarRegion, Promise<string>>();

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** Where a file is; undefined if there is none. @throws {OciDirError} UNSUPPORTED_ENTRY, NOT_A_FILE */
  find(path: string): TarRegion | undefined {
    return this.#archive.index.find(path);
  }

  /**
   * The config of this name, its digest compared with that in the name, if there is one.
   *
   * @throws {OciDirError} BLOB_NOT_FOUND, TOO_LARGE {OciSpecError} what parsing gives {VerifyError} it is not what its name says
   */
  async config(path: string): Promise<DockerConfig> {
    const region = this.find(path);
    if (region === undefined) throw new OciDirError('BLOB_NOT_FOUND', path, `no such config in the archive: ${path}`);
    const config = await remembered(this.#configs, region, () => this.#readConfig(path, region));
    checkName(path, config.descriptor.digest);
    return config;
  }

  /** How a layer is packed. */
  async format(region: TarRegion): Promise<CompressionFormat> {
    return await remembered(this.#formats, region, async () => detectFormat(await this.#archive.head(region, MAGIC_LENGTH)));
  }

  /** The digest of a file: it is read. */
  async digest(region: TarRegion, signal: AbortSignal | undefined): Promise<string> {
    return await remembered(this.#digests, region, async () => {
      const hash = createHash('sha256');
      for await (const chunk of this.#archive.chunks(region, signal)) hash.update(chunk);
      return `sha256:${hash.digestHex()}`;
    });
  }

  async #readConfig(path: string, region: TarRegion): Promise<DockerConfig> {
    const raw = (await this.#archive.read(path, MAX_JSON_SIZE))!;
    const descriptor = { mediaType: mediaTypes.config, digest: digestOf(raw), size: raw.byteLength };
    checkName(path, descriptor.digest); // before what it says
    const parsed = parseImageConfig(raw);
    const { os, architecture, variant } = parsed;
    return {
      descriptor,
      region,
      platform: { os, architecture, ...(variant !== undefined && { variant }) },
      diffIds: diffIds(parsed),
    };
  }
}

const MAGIC_LENGTH = 4;
const CONFIG_NAME = /(?:^|\/)(?:sha256:)?([0-9a-f]{64})(?:\.json)?$/;

function checkName(path: string, digest: string): void {
  const named = CONFIG_NAME.exec(path)?.[1];
  const wanted = named === undefined ? digest : `sha256:${named}`;
  if (wanted === digest) return;
  const message = `digest mismatch: wanted ${wanted}, found ${digest}, in ${path}`;
  throw new VerifyError('DIGEST_MISMATCH', wanted, wanted, digest, message);
}

/** What failed is tried again: it may have been ended by its caller's signal. */
function remembered<T>(known: Map<TarRegion, Promise<T>>, region: TarRegion, find: () => Promise<T>): Promise<T> {
  const before = known.get(region);
  if (before !== undefined) return before;
  const found = find();
  known.set(region, found);
  found.catch(() => known.delete(region));
  return found;
}

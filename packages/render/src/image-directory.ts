import { readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isDigest, MAX_JSON_SIZE, type Expected, type Platform } from '@cfskit/oci-spec';
import { hasCode, RenderError } from './errors.ts';
import { dockerLayers, DOCKER_MANIFEST } from './docker-save-directory.ts';
import { fileChunks } from './file-layer.ts';
import { sniffMediaType } from './layer-format.ts';
import { layoutLayers, LAYOUT_INDEX } from './layout-directory.ts';
import type { RenderImage, RenderLayer } from './render-image.ts';

/** Which image of a directory. */
export interface ImageDirectoryOptions {
  readonly tag?: string;
  readonly platform?: Platform;
}

/** A layer as the documents of a directory describe it. */
export interface DescribedLayer {
  /** Digest of the stored bytes, or a path in the directory. */
  readonly place: string;
  /** Empty where nothing is said: then the bytes tell. */
  readonly mediaType: string;
  readonly size?: number;
  readonly diffId?: string;
}

/**
 * The image in a directory: an OCI layout, or an unpacked archive of `docker save`; where it is both, the layout counts. Blobs that are
 * directories are files inside them, named after the layer's number, as some downloaders leave them.
 *
 * @throws {RenderError} NO_IMAGE, INVALID_IMAGE, AMBIGUOUS_IMAGE with the candidates, UNSUPPORTED_DIGEST, BLOB_NOT_FOUND; {OciSpecError} and
 *   {VerifyError} for documents that are not what they should be
 */
export async function openImageDirectory(path: string, options: ImageDirectoryOptions = {}): Promise<RenderImage> {
  const directory = new ImageDirectory(path);
  const index = await directory.document(LAYOUT_INDEX);
  const manifest = index === undefined ? await directory.document(DOCKER_MANIFEST) : undefined;
  if (index === undefined && manifest === undefined) {
    throw new RenderError('NO_IMAGE', `no ${LAYOUT_INDEX} or ${DOCKER_MANIFEST} found in ${path}`, { path });
  }
  const found = index === undefined ? await dockerLayers(manifest!, directory) : await layoutLayers(index, directory, options);
  const layers: RenderLayer[] = [];
  for (const [number, layer] of found.layers.entries()) layers.push(await directory.layer(layer, number));
  return { name: path, layers, ...(found.created && { created: found.created }) };
}

/** Finds files in an image directory; nothing outside of it. */
export class ImageDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** A file at the top; nothing if it is not there. */
  async document(name: string): Promise<Uint8Array | undefined> {
    try {
      return await this.read(name);
    } catch (error) {
      if (error instanceof RenderError && error.code === 'BLOB_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** A small file. */
  async read(name: string): Promise<Uint8Array> {
    const file = await this.#find(name);
    const { size } = await stat(file);
    if (size > MAX_JSON_SIZE)
      throw new RenderError('INVALID_IMAGE', `${file} has ${size} bytes, at most ${MAX_JSON_SIZE} are read`, { path: file });
    return await readFile(file);
  }

  /** The path of a blob in the directory. @throws {RenderError} UNSUPPORTED_DIGEST */
  blobName(digest: string): string {
    if (!digest.startsWith('sha256:') || !isDigest(digest)) {
      throw new RenderError('UNSUPPORTED_DIGEST', `unsupported digest algorithm in: ${digest.slice(0, 200)}`);
    }
    return `blobs/sha256/${digest.slice('sha256:'.length)}`;
  }

  async layer({ place, mediaType, size, diffId }: DescribedLayer, number: number): Promise<RenderLayer> {
    const isBlob = place.includes(':');
    const name = isBlob ? this.blobName(place) : place;
    const file = await this.#layerFile(name, number);
    const blob: Expected | undefined = isBlob ? { digest: place, ...(size !== undefined && { size }) } : undefined;
    return {
      name: place,
      mediaType: mediaType === '' ? sniffMediaType(await headOf(file)) : mediaType,
      ...(blob && { blob }),
      ...(diffId !== undefined && { diffId }),
      open: () => fileChunks(file),
    };
  }

  async #layerFile(name: string, number: number): Promise<string> {
    const found = await this.#locate(name);
    if ((await stat(found)).isDirectory()) return await this.#find(join(name, String(number)));
    return await this.#find(name);
  }

  async #find(name: string): Promise<string> {
    const found = await this.#locate(name);
    if (!(await stat(found)).isFile()) throw new RenderError('INVALID_IMAGE', `no regular file: ${found}`, { path: found });
    return found;
  }

  /** Symbolic links may lead to other places of the directory, and no further. */
  async #locate(name: string): Promise<string> {
    const wanted = join(this.path, name);
    const root = await realpath(this.path).catch((cause: unknown) => Promise.reject(notFound(this.path, cause)));
    const found = await realpath(wanted).catch((cause: unknown) => Promise.reject(notFound(wanted, cause)));
    if (found.startsWith(root.endsWith(sep) ? root : root + sep)) return found;
    throw new RenderError('INVALID_IMAGE', `${wanted} leads out of the image directory`, { path: wanted });
  }
}

function notFound(path: string, cause: unknown): unknown {
  if (!hasCode(cause, 'ENOENT', 'ENOTDIR')) return cause;
  return new RenderError('BLOB_NOT_FOUND', `layer blob not found: ${path}`, { path, cause });
}

async function headOf(path: string): Promise<Uint8Array> {
  for await (const chunk of fileChunks(path)) return chunk;
  return new Uint8Array();
}

import type { ObjectId } from '@cfskit/fs-verity';
import { configRefName, decodeTag, formatContentId } from '@cfskit/oci-ref';
import { digestAlgorithm, digestOf, isImageConfig, parseImageConfig, parseManifest } from '@cfskit/oci-spec';
import type { ImageConfig, Manifest } from '@cfskit/oci-spec';
import type { FsckOptions, Repository } from '@cfskit/repository';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { DetailedImageFinding, DigestFinding, OciFsckFinding } from './fsck-finding.ts';
import type { OciFsckReport } from './fsck-report.ts';
import { imageRefs } from './image-refs.ts';
import { configStreamName, manifestStreamName } from './image-streams.ts';
import { readJsonStreamUnchecked } from './json-stream.ts';
import type { JsonStream, JsonStreamName } from './json-stream.ts';
import { SEAL_LABEL } from './seal-label.ts';
import { openImage } from './stored-image.ts';
import { resolveStoredReference } from './stored-reference.ts';
import { listTags } from './tags.ts';

/** How images are checked. */
export interface OciFsckOptions extends FsckOptions {
  /** only this image: a tag, a digest or the beginning of one */
  readonly reference?: string | undefined;
}

/**
 * Checks the repository, and then every tagged image: its documents against their digests, its references, streams and
 * objects, and that its EROFS images are there. Changes nothing; what is wrong is reported, not thrown.
 *
 * Not checked: the content of layers against their diff_ids (`layerTar` does that), referrers. The content of EROFS images is
 * checked as part of the repository.
 *
 * @throws {RepositoryError} CLOSED. Node's own errors for directories that cannot be read. The signal's reason
 */
export async function ociFsck(repository: Repository, options: OciFsckOptions = {}): Promise<OciFsckReport> {
  const { reference, ...fsckOptions } = options;
  const report = await repository.fsck(fsckOptions);
  const names = reference === undefined ? tagNames(repository) : [reference];
  const findings: OciFsckFinding[] = [];
  let imagesCorrupted = 0;
  for (const name of names) {
    options.signal?.throwIfAborted();
    const found = await checkNamed(repository, name);
    if (found.length > 0) imagesCorrupted++;
    findings.push(...found);
  }
  return { repository: report, imagesChecked: names.length, imagesCorrupted, findings };
}

/** Tags, and entries beside them that could never have been made by tagging. */
function tagNames(repository: Repository): readonly string[] {
  const invalid = repository
    .listRefs('oci')
    .map(({ name }) => decodeTag(name))
    .filter((name) => name.startsWith('@'));
  return [...new Set([...invalid, ...listTags(repository).map((tag) => tag.name)])];
}

async function checkNamed(repository: Repository, name: string): Promise<readonly OciFsckFinding[]> {
  if (name.startsWith('@') && repository.listRefs('oci').some((ref) => decodeTag(ref.name) === name)) {
    return [{ type: 'invalid-ref-name', name, detail: `leading '@' is reserved for digest references` }];
  }
  try {
    return await new ImageCheck(repository, name).run(await digestOfManifest(repository, name));
  } catch (error) {
    return [{ type: 'ref-resolve-failed', name, detail: textOf(error) }];
  }
}

async function digestOfManifest(repository: Repository, name: string): Promise<string> {
  const resolved = resolveStoredReference(repository, name);
  return resolved.kind === 'config' ? (await openImage(repository, name)).manifestDigest : resolved.manifestDigest;
}

/** The kinds of findings about one of the two documents. */
interface DocumentFindings {
  readonly read: DetailedImageFinding;
  readonly digest: DigestFinding;
  readonly parse: DetailedImageFinding;
}

const MANIFEST_FINDINGS: DocumentFindings = {
  read: 'manifest-read-failed',
  digest: 'manifest-digest-mismatch',
  parse: 'manifest-parse-failed',
};
const CONFIG_FINDINGS: DocumentFindings = { read: 'config-read-failed', digest: 'config-digest-mismatch', parse: 'config-parse-failed' };

/** A document that was read, and what its stream refers to. */
interface Document<T> {
  readonly value: T;
  readonly refs: ReadonlyMap<string, ObjectId>;
}

class ImageCheck {
  readonly #repository: Repository;
  readonly #name: string;
  readonly #findings: OciFsckFinding[] = [];

  constructor(repository: Repository, name: string) {
    this.#repository = repository;
    this.#name = name;
  }

  async run(manifestDigest: string): Promise<readonly OciFsckFinding[]> {
    const name = manifestStreamName(manifestDigest);
    const manifest = await this.#document(name, this.#repository.hasStream(name.contentId), MANIFEST_FINDINGS, parseManifest);
    if (manifest !== undefined) await this.#checkBelow(manifest);
    return this.#findings;
  }

  async #checkBelow(manifest: Document<Manifest>): Promise<void> {
    const { config: descriptor, layers } = manifest.value;
    const id = manifest.refs.get(configRefName(descriptor.digest));
    if (id === undefined) {
      this.#report('config-ref-missing', configRefName(descriptor.digest));
      return;
    }
    const isContainer = isImageConfig(descriptor.mediaType);
    const parse = isContainer ? parseImageConfig : (): undefined => undefined;
    const config = await this.#document<ImageConfig | undefined>(configStreamName(descriptor.digest), id, CONFIG_FINDINGS, parse);
    if (config === undefined) return;
    if (config.value === undefined) for (const layer of layers) this.#checkArtifactLayer(layer.digest, manifest.refs);
    else this.#checkContainer(config.value, config.refs);
  }

  async #document<T>(
    name: JsonStreamName,
    id: ObjectId | undefined,
    kinds: DocumentFindings,
    parse: (raw: Uint8Array) => T,
  ): Promise<Document<T> | undefined> {
    const stream = await this.#read(name, id, kinds);
    if (stream === undefined) return undefined;
    const actual = digestOf(stream.raw, digestAlgorithm(name.digest));
    if (actual !== name.digest) {
      this.#findings.push({ type: kinds.digest, name: this.#name, expected: name.digest, actual });
      return undefined;
    }
    try {
      return { value: parse(stream.raw), refs: stream.namedRefs };
    } catch (error) {
      this.#report(kinds.parse, textOf(error));
      return undefined;
    }
  }

  async #read(name: JsonStreamName, id: ObjectId | undefined, kinds: DocumentFindings): Promise<JsonStream | undefined> {
    try {
      if (id !== undefined) return await readJsonStreamUnchecked(this.#repository, name, id);
      this.#report(kinds.read, `no stream ${name.contentId}`);
    } catch (error) {
      this.#report(kinds.read, textOf(error));
    }
    return undefined;
  }

  #checkContainer(config: ImageConfig, refs: ReadonlyMap<string, ObjectId>): void {
    for (const diffId of config.rootfs.diff_ids) this.#checkLayer(diffId, refs);
    const seal = config.config?.Labels?.[SEAL_LABEL];
    if (seal !== undefined && !this.#isImage(seal)) this.#report('seal-image-missing', seal);
    for (const [ref, id] of imageRefs(refs)) this.#checkImageRef(ref, id);
  }

  #checkImageRef(ref: string, id: ObjectId): void {
    if (!this.#repository.objects.hasSync(id)) this.#report('erofs-image-missing', `${ref}: no object ${id}`);
    else if (!this.#isImage(id)) this.#report('erofs-image-missing', `${ref}: no entry images/${id}`);
  }

  #checkLayer(diffId: string, refs: ReadonlyMap<string, ObjectId>): void {
    const id = refs.get(diffId);
    if (id === undefined) {
      this.#report('layer-ref-missing', diffId);
      return;
    }
    try {
      digestAlgorithm(diffId);
      if (!this.#hasEntry('streams', formatContentId('layer', diffId))) this.#report('layer-stream-missing', diffId);
      else if (!this.#repository.objects.hasSync(id)) this.#report('layer-object-missing', `${diffId}: ${id}`);
    } catch (error) {
      this.#report('layer-check-failed', `${diffId}: ${textOf(error)}`);
    }
  }

  #checkArtifactLayer(digest: string, refs: ReadonlyMap<string, ObjectId>): void {
    const id = refs.get(digest);
    if (id === undefined) this.#report('artifact-layer-ref-missing', digest);
    else if (!this.#repository.objects.hasSync(id)) this.#report('artifact-layer-object-missing', `${digest}: ${id}`);
  }

  #isImage(id: string): boolean {
    return /^[0-9a-f]+$/.test(id) && this.#hasEntry('images', id);
  }

  #hasEntry(category: 'images' | 'streams', name: string): boolean {
    return lstatSync(join(this.#repository.path, category, name), { throwIfNoEntry: false }) !== undefined;
  }

  #report(type: DetailedImageFinding, detail: string): void {
    this.#findings.push({ type, name: this.#name, detail });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

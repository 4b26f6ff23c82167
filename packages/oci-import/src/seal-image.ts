import { fsVerityDigest } from '@cfskit/fs-verity';
import type { Algorithm, ObjectId } from '@cfskit/fs-verity';
import { digestOf, mediaTypes } from '@cfskit/oci-spec';
import type { Descriptor } from '@cfskit/oci-spec';
import type { Reporter } from '@cfskit/progress';
import { effectiveFormats, formatsToMake } from '@cfskit/repository';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import { documentSource } from './document-source.ts';
import { OciImportError } from './errors.ts';
import type { ImportImageOptions } from './image-job.ts';
import { layersOfContainer } from './image-tree.ts';
import { importImage } from './import-image.ts';
import { formatSealKey, SEAL_PREFIX } from './seal-key.ts';
import type { SealRole } from './seal-key.ts';
import { SEAL_LABEL } from './seal-label.ts';
import { annotatedManifest, encodeDocument, labelledConfig, manifestWithConfig } from './sealed-documents.ts';
import type { Annotations } from './sealed-documents.ts';
import { StoredImageIds } from './stored-image-ids.ts';
import { openImage } from './stored-image.ts';
import type { StoredImage } from './stored-image.ts';

/**
 * Where the digests are stated.
 *
 * - `annotations`: in a new manifest
 * - `label`: in a label of a new config, which a new manifest names; as composefs-oci 0.3 did
 * - `artifact`: in an artifact that belongs to the image, which stays what it is
 */
export type SealMode = 'annotations' | 'label' | 'artifact';

/** What is stated, and where. */
export interface SealOptions {
  /** `annotations` unless told. */
  readonly mode?: SealMode;
  /** Tag of what is made. Without one a new manifest goes with the next collection; an artifact is kept by its image. */
  readonly tag?: string;
  /** Formats of the EROFS images whose ids are stated: 1 unless told, in a label the repository's. 0 in a label only, which states one. */
  readonly formats?: readonly ErofsFormat[];
  /** Algorithms of the digests: the repository's unless told. In a label and in an artifact only one. */
  readonly algorithms?: readonly Algorithm[];
  readonly reporter?: Reporter;
  readonly onWarning?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** One digest that is stated. */
export interface SealedDigest {
  readonly role: SealRole;
  /** the name of the annotation or label */
  readonly key: string;
  readonly digest: ObjectId;
}

/** What sealing made. */
export interface SealResult {
  /** of the new manifest: that of the sealed image, or of the artifact */
  readonly manifestDigest: string;
  readonly sourceManifestDigest: string;
  readonly mode: SealMode;
  /** the first of the EROFS images that are stated */
  readonly imageId: ObjectId;
  readonly digests: readonly SealedDigest[];
}

/** What makes an artifact one that states digests. Spec: oci-import 17. */
export const METADATA_ARTIFACT = 'application/vnd.composefs.metadata.v1';

/**
 * States the fs-verity digests of an image where those who pull it can read them. Documents that are there are never changed: new ones refer to
 * the same layers.
 *
 * @param reference a tag, a digest or the beginning of one
 * @throws {RangeError} for formats and algorithms that the mode does not have. {OciImportError} as `openImage` and `importImage`;
 *   NOT_A_CONTAINER; UNSEALABLE for documents that have no place for it. {OciRefError} INVALID_TAG, RESERVED_TAG. {RepositoryError} READ_ONLY
 */
export async function sealImage(repository: Repository, reference: string, options: SealOptions = {}): Promise<SealResult> {
  const { mode = 'annotations', signal } = options;
  const plan = planSeal(repository, mode, options);
  repository.ensureWritable();
  return repository.transaction(
    async () => {
      const image = await openImage(repository, reference);
      layersOfContainer(image); // an artifact is refused before anything is computed
      const job: SealJob = { ...plan, repository, image, options, ids: new StoredImageIds(repository, image, signal) };
      const sealed = await SEALERS[mode](job);
      return { ...sealed, sourceManifestDigest: image.manifestDigest, mode };
    },
    { signal },
  );
}

interface SealPlan {
  readonly formats: readonly ErofsFormat[];
  readonly algorithms: readonly Algorithm[];
}

interface SealJob extends SealPlan {
  readonly repository: Repository;
  readonly image: StoredImage;
  readonly options: SealOptions;
  readonly ids: StoredImageIds;
}

type Sealed = Pick<SealResult, 'manifestDigest' | 'imageId' | 'digests'>;

const SEALERS: Readonly<Record<SealMode, (job: SealJob) => Promise<Sealed>>> = {
  annotations: sealInAnnotations,
  label: sealInLabel,
  artifact: sealInArtifact,
};

function planSeal(repository: Repository, mode: SealMode, options: SealOptions): SealPlan {
  const usual: ErofsFormat = mode === 'label' ? effectiveFormats(repository.metadata).default : 1;
  const formats = [...new Set(options.formats ?? [usual])];
  const algorithms = [...new Set(options.algorithms ?? [repository.algorithm])];
  if (formats.length === 0 || algorithms.length === 0) throw new RangeError('wanted at least one format and one algorithm');
  if (mode === 'label' && formats.length > 1) throw new RangeError('a label states one image: wanted one format');
  if (mode !== 'label' && formats.includes(0)) throw new RangeError('annotations have no name for images of format 0');
  if (mode !== 'annotations' && algorithms.length > 1) throw new RangeError(`mode ${mode} states digests of one algorithm`);
  return { formats, algorithms };
}

async function sealInAnnotations(job: SealJob): Promise<Sealed> {
  const { image, algorithms } = job;
  const configs = algorithms.map((algorithm) => documentDigest('config', image.configRaw, algorithm));
  const images = await mergedDigests(job);
  const manifest = annotatedManifest(image.manifestRaw, annotationsOf(images), annotationsOf(configs));
  const manifestDigest = await store(job, manifest, []);
  return { manifestDigest, imageId: images[0]!.digest, digests: [...configs, ...images] };
}

async function sealInLabel(job: SealJob): Promise<Sealed> {
  const { repository, image, ids, formats, algorithms, options } = job;
  const [format, algorithm] = [formats[0]!, algorithms[0]!];
  if (Object.keys(image.manifest.config.annotations ?? {}).some((name) => name.startsWith(SEAL_PREFIX))) {
    const message = `manifest ${image.manifestDigest} states the digest of its config, which a label would change; seal the image it was made from`;
    throw new OciImportError('UNSEALABLE', message, { manifest: image.manifestDigest });
  }
  const imageId = await ids.get({ format, algorithm, xattrs: 'allowlist-only' });
  const config = labelledConfig(image.configRaw, imageId);
  if (algorithm !== repository.algorithm) {
    options.onWarning?.(
      `this repository has ${repository.algorithm} images: the check of OCI images will not find the one that the label names`,
    );
  }
  const erofsFormats = [format, ...formatsToMake(repository.metadata)];
  const manifestDigest = await store(job, manifestWithConfig(image.manifestRaw, config), [config], {
    erofsFormats,
    xattrs: 'allowlist-only',
  });
  return { manifestDigest, imageId, digests: [{ role: 'merged', key: SEAL_LABEL, digest: imageId }] };
}

async function sealInArtifact(job: SealJob): Promise<Sealed> {
  const { image, algorithms } = job;
  const algorithm = algorithms[0]!;
  const images = await mergedDigests(job);
  const digests = [
    documentDigest('manifest', image.manifestRaw, algorithm),
    documentDigest('config', image.configRaw, algorithm),
    ...images,
  ];
  const layers = digests.map((digest): Descriptor => ({ ...EMPTY, annotations: annotationsOf([digest]) }));
  const { manifestDigest: digest, manifestRaw, manifest } = image;
  const subject: Descriptor = { mediaType: manifest.mediaType ?? mediaTypes.manifest, digest, size: manifestRaw.byteLength };
  const header = { schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: METADATA_ARTIFACT };
  const manifestDigest = await store(job, encodeDocument({ ...header, config: EMPTY, layers, subject }), [EMPTY_JSON]);
  return { manifestDigest, imageId: images[0]!.digest, digests };
}

const EMPTY_JSON = new TextEncoder().encode('{}');
const EMPTY: Descriptor = { mediaType: mediaTypes.empty, digest: digestOf(EMPTY_JSON), size: EMPTY_JSON.byteLength };

function documentDigest(role: 'config' | 'manifest', raw: Uint8Array, algorithm: Algorithm): SealedDigest {
  return { role, key: formatSealKey(role, algorithm), digest: fsVerityDigest(raw, algorithm) };
}

async function mergedDigests({ ids, formats, algorithms }: SealJob): Promise<readonly SealedDigest[]> {
  const digests: SealedDigest[] = [];
  for (const algorithm of algorithms) {
    for (const format of formats) {
      const digest = await ids.get({ format, algorithm, xattrs: 'allowlist-only' });
      digests.push({ role: 'merged', key: formatSealKey('merged', algorithm, format), digest });
    }
  }
  return digests;
}

function annotationsOf(digests: readonly SealedDigest[]): Annotations {
  return Object.fromEntries(digests.map(({ key, digest }) => [key, digest]));
}

/** The layers are here, so that an import only has to store the documents. */
async function store(
  { repository, image, options }: SealJob,
  manifest: Uint8Array,
  blobs: readonly Uint8Array[],
  more: Pick<ImportImageOptions, 'erofsFormats' | 'xattrs'> = {},
): Promise<string> {
  const { tag, reporter, signal, onWarning } = options;
  const source = documentSource({ name: `the seal of ${image.manifestDigest}`, manifest, mediaType: image.manifest.mediaType, blobs });
  const { manifestDigest } = await importImage(repository, source, {
    ...more,
    ...(tag !== undefined && { name: tag }),
    ...(reporter !== undefined && { reporter }),
    ...(signal !== undefined && { signal }),
    ...(onWarning !== undefined && { onWarning }),
  });
  return manifestDigest;
}

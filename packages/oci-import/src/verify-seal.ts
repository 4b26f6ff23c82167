import { ALGORITHMS, digestLength, fsVerityDigest, LOG_BLOCK_SIZE } from '@cfskit/fs-verity';
import type { Algorithm, ObjectId } from '@cfskit/fs-verity';
import { XATTR_MODES } from '@cfskit/fs-tree';
import { effectiveFormats } from '@cfskit/repository';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import { layersOfContainer } from './image-tree.ts';
import { listReferrers } from './referrers.ts';
import { METADATA_ARTIFACT } from './seal-image.ts';
import { parseSealKey, SEAL_PREFIX } from './seal-key.ts';
import type { SealKey } from './seal-key.ts';
import { SEAL_LABEL } from './seal-label.ts';
import { StoredImageIds } from './stored-image-ids.ts';
import { openImage, openManifest } from './stored-image.ts';
import type { StoredImage } from './stored-image.ts';

/**
 * What came of one statement.
 *
 * - `ok`: the digest was computed and is the one stated
 * - `mismatch`: it is another
 * - `unknown`: nothing here can compute it, so it proves nothing
 */
export type SealStatus = 'ok' | 'mismatch' | 'unknown';

/** One digest that is stated about an image. */
export interface SealStatement {
  /** `config` (the label), `manifest`, `manifest config`, `manifest layer 1` (their annotations), or an artifact by the digest of its manifest */
  readonly place: string;
  /** name of the label or annotation */
  readonly key: string;
  readonly wanted: string;
  /** absent where nothing was computed */
  readonly found?: ObjectId;
  readonly status: SealStatus;
  /** how it was made, or why it is unknown */
  readonly detail?: string;
}

/** Everything that is stated about an image. */
export interface SealReport {
  readonly manifestDigest: string;
  readonly statements: readonly SealStatement[];
}

/** How a seal is verified. */
export interface VerifySealOptions {
  readonly signal?: AbortSignal;
}

/**
 * Computes every digest that an image states about itself, or that an artifact of it states, and compares. Layers are taken from their streams,
 * whose content `layerTar` and `ociFsck` check.
 *
 * @throws {OciImportError} as `openImage`; NOT_A_CONTAINER; NOT_SEALED if nothing is stated; IMAGE_FAILED. The signal's reason
 */
export async function verifySeal(repository: Repository, reference: string, options: VerifySealOptions = {}): Promise<SealReport> {
  const image = await openImage(repository, reference);
  layersOfContainer(image);
  const { manifestDigest: manifest } = image;
  const stated = [...statedIn(image), ...(await statedByArtifacts(repository, manifest))];
  const verifier = new Verifier(repository, image, options.signal);
  const statements: SealStatement[] = [];
  for (const statement of stated) statements.push({ ...statement, ...(await verifier.verify(statement)) });
  if (statements.length === 0)
    throw new OciImportError('NOT_SEALED', `${manifest} is not sealed: nothing states a digest of it`, { manifest });
  return { manifestDigest: manifest, statements };
}

/** Whether a digest was confirmed, and none refuted. What is unknown changes nothing. */
export function isSealIntact({ statements }: SealReport): boolean {
  return statements.some(({ status }) => status === 'ok') && statements.every(({ status }) => status !== 'mismatch');
}

type Stated = Pick<SealStatement, 'place' | 'key' | 'wanted'>;
type Verdict = Pick<SealStatement, 'found' | 'status' | 'detail'>;

function statedIn({ config, manifest }: StoredImage): readonly Stated[] {
  const label = config?.config?.Labels?.[SEAL_LABEL];
  return [
    ...(label === undefined ? [] : [{ place: 'config', key: SEAL_LABEL, wanted: label }]),
    ...statedBy(manifest.config.annotations, 'manifest config'),
    ...statedBy(manifest.annotations, 'manifest'),
    ...manifest.layers.flatMap(({ annotations }, index) => statedBy(annotations, `manifest layer ${index + 1}`)),
  ];
}

async function statedByArtifacts(repository: Repository, manifestDigest: string): Promise<readonly Stated[]> {
  const stated: Stated[] = [];
  for (const artifact of listReferrers(repository, manifestDigest)) {
    const { manifest } = await openManifest(repository, artifact);
    if (manifest.artifactType !== METADATA_ARTIFACT) continue;
    for (const { annotations } of manifest.layers) stated.push(...statedBy(annotations, artifact));
  }
  return stated;
}

function statedBy(annotations: Readonly<Record<string, string>> | undefined, place: string): readonly Stated[] {
  const entries = Object.entries(annotations ?? {}).filter(([key]) => key.startsWith(SEAL_PREFIX));
  return entries.map(([key, wanted]) => ({ place, key, wanted }));
}

class Verifier {
  readonly #image: StoredImage;
  readonly #ids: StoredImageIds;
  readonly #format: ErofsFormat;
  readonly #algorithm: Algorithm;

  constructor(repository: Repository, image: StoredImage, signal: AbortSignal | undefined) {
    this.#image = image;
    this.#ids = new StoredImageIds(repository, image, signal);
    this.#format = effectiveFormats(repository.metadata).default;
    this.#algorithm = repository.algorithm;
  }

  async verify({ place, key: text, wanted }: Stated): Promise<Verdict> {
    if (text === SEAL_LABEL) return this.#verifyLabel(wanted);
    const key = parseSealKey(text);
    const found = key === undefined ? 'this name is not known' : await this.#compute(key, place);
    if (typeof found === 'string') return { status: 'unknown', detail: found };
    return { found: found.id, status: found.id === wanted ? 'ok' : 'mismatch' };
  }

  /** A label does not say how its image was made; composefs-oci has had several ways. */
  async #verifyLabel(wanted: string): Promise<Verdict> {
    const algorithm = ALGORITHMS.find((one) => wanted.length === 2 * digestLength(one)) ?? this.#algorithm;
    const usual = { format: this.#format, xattrs: XATTR_MODES[0], algorithm };
    for (const xattrs of XATTR_MODES) {
      for (const format of new Set([this.#format, 1, 2, 0] as const)) {
        const found = await this.#ids.get({ format, xattrs, algorithm });
        if (found === wanted) return { found, status: 'ok', detail: `format ${format}, ${xattrs}` };
      }
    }
    return { found: await this.#ids.get(usual), status: 'mismatch', detail: `format ${usual.format}, ${usual.xattrs}` };
  }

  /** The digest, or why it cannot be computed. */
  async #compute(
    { role, format, algorithm, logBlockSize, signature }: SealKey,
    place: string,
  ): Promise<{ readonly id: ObjectId } | string> {
    if (signature) return 'signatures are not checked';
    if (logBlockSize !== LOG_BLOCK_SIZE) return `block size 2^${logBlockSize} is not computed`;
    if (role === 'config') return { id: fsVerityDigest(this.#image.configRaw, algorithm) };
    if (role === 'manifest' && !place.startsWith('manifest')) return { id: fsVerityDigest(this.#image.manifestRaw, algorithm) };
    if (role === 'merged' && (format === 1 || format === 2))
      return { id: await this.#ids.get({ format, algorithm, xattrs: 'allowlist-only' }) };
    return role === 'manifest' ? 'a manifest cannot state its own digest' : 'images of this kind are not computed';
  }
}

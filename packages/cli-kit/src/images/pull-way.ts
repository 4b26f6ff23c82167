import type { ImageReference, Transport } from '@cfskit/oci-ref';
import { CliError, UsageError } from '../errors.ts';
import type { OptionValues } from '../option.ts';

const fetch = {
  type: 'string',
  value: 'WAY',
  choices: ['auto', 'native', 'proxy', 'staging'],
  default: 'auto',
  description:
    'Who reads the image: this program (native), skopeo (proxy), or skopeo into a temporary directory first (staging); auto is native but for what only skopeo reads, and containers-storage:',
} as const;
const localFetch = {
  type: 'string',
  value: 'MODE',
  choices: ['disabled', 'auto', 'zerocopy'],
  default: 'disabled',
  description:
    'For containers-storage: read it without skopeo and share its files by reflink or hard link; fail where that cannot be done (zerocopy), or copy, or read it through skopeo after all (auto)',
} as const;

/** `--fetch`. */
export const fetchOptions: { readonly fetch: typeof fetch } = { fetch };

/** `--local-fetch`. */
export const localFetchOptions: { readonly 'local-fetch': typeof localFetch } = { 'local-fetch': localFetch };

/** What {@link localFetchOptions} parses to. */
export type LocalFetch = OptionValues<typeof localFetchOptions>['local-fetch'];

/** Who reads an image: this program from where it is, this program from the storage of containers, or skopeo. */
export type PullWay = 'native' | 'storage' | 'proxy' | 'staging';

/** Transports that are read by skopeo alone, or by it unless told. */
const THROUGH_SKOPEO: ReadonlySet<Transport> = new Set<Transport>(['containers-storage', 'docker-daemon']);

/**
 * Decide who reads an image.
 *
 * @throws {UsageError} options that do not fit together. {CliError} UNSUPPORTED, what only skopeo reads
 */
export function pullWay({ transport }: ImageReference, values: OptionValues<typeof fetchOptions & typeof localFetchOptions>): PullWay {
  const { fetch: way, 'local-fetch': mode } = values;
  const isStorage = transport === 'containers-storage';
  if (way === 'proxy' || way === 'staging') {
    if (isStorage && mode !== 'disabled') throw new UsageError(`--local-fetch ${mode}: not together with --fetch ${way}`);
    return way;
  }
  if (isStorage && (way === 'native' || mode !== 'disabled')) return 'storage';
  if (!THROUGH_SKOPEO.has(transport)) return 'native';
  if (way === 'auto') return 'proxy';
  throw new CliError('UNSUPPORTED', `--fetch native: images of ${transport}: are read by skopeo alone`, { detail: { transport } });
}

import { nativeDecoders, nativeEncoders, nativeFrameEncoders } from '#native';
import type { DecoderBackend, EncoderBackend, FrameEncoderBackend, Probe } from './backend.ts';
import { CompressionError } from './errors.ts';
import { fflateGzip, fflateGzipEncoder } from './fflate.ts';
import type { Backend, CompressionFormat } from './format.ts';

const DECODERS: readonly DecoderBackend[] = [...nativeDecoders, fflateGzip];
const ENCODERS: readonly EncoderBackend[] = [...nativeEncoders, fflateGzipEncoder];

/** One decoder, and whether this machine has it. */
export interface BackendInfo {
  readonly name: Exclude<Backend, 'auto'>;
  readonly format: CompressionFormat;
  readonly available: boolean;
  /** The version, or why it is not available. */
  readonly detail: string;
}

/**
 * Every decoder, in the order of preference for its format. Looking loads the libraries behind, once for a thread.
 *
 * @example backends().find(({ name }) => name === 'isal')?.detail
 */
export function backends(): readonly BackendInfo[] {
  return DECODERS.map((backend) => ({ name: backend.name, format: backend.format, ...backend.probe() }));
}

/** @throws {CompressionError} BACKEND_UNAVAILABLE */
export function chooseDecoder(format: Exclude<CompressionFormat, 'none'>, name: Backend): DecoderBackend {
  return choose(DECODERS, `decode ${format}`, (backend) => backend.format === format && isNamed(backend, name));
}

/** @throws {CompressionError} BACKEND_UNAVAILABLE */
export function chooseEncoder(format: Exclude<CompressionFormat, 'none'>, name: Backend): EncoderBackend {
  return choose(ENCODERS, `encode ${format}`, (backend) => backend.format === format && isNamed(backend, name));
}

/** @throws {CompressionError} BACKEND_UNAVAILABLE */
export function chooseFrameEncoder(name: Backend): FrameEncoderBackend {
  return choose(nativeFrameEncoders, 'encode zstd frames', (backend) => isNamed(backend, name));
}

interface Choosable {
  readonly name: string;
  probe(): Probe;
}

function choose<T extends Choosable>(all: readonly T[], what: string, isWanted: (backend: T) => boolean): T {
  const reasons: string[] = [];
  for (const backend of all.filter((candidate) => isWanted(candidate))) {
    const { available, detail } = backend.probe();
    if (available) return backend;
    reasons.push(`${backend.name}: ${detail}`);
  }
  const reason = reasons.length > 0 ? reasons.join('; ') : 'nothing here can do that';
  throw new CompressionError('BACKEND_UNAVAILABLE', `cannot ${what}: ${reason}`);
}

function isNamed(backend: Choosable, name: Backend): boolean {
  return name === 'auto' || backend.name === name;
}

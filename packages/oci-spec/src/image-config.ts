import { digestAlgorithm } from './digest.ts';
import { OciSpecError } from './errors.ts';
import { optional, parseDocument, read, required, type Parsed, type Reader } from './json-field.ts';
import { readPlatform, type Platform } from './platform.ts';

/** The config of a container image. Keys are spelled as in the JSON. */
export interface ImageConfig extends Platform {
  readonly created?: string;
  readonly author?: string;
  readonly config?: ExecutionConfig;
  readonly rootfs: RootFs;
  readonly history?: readonly HistoryEntry[];
}

/** How a container is started, as far as anything here uses it. */
export interface ExecutionConfig {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

/** The layers by the digests of their uncompressed tars, bottom first. These are plain texts: {@link diffIds} checks them. */
export interface RootFs {
  readonly type: string;
  readonly diff_ids: readonly string[];
}

/** One step of the build. Steps with `empty_layer` have no layer. */
export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/**
 * Parse the config of a container image and keep its bytes as `raw`. Unknown members are ignored, and null is the same as absent.
 *
 * @throws {OciSpecError} INVALID_FIELD, and the codes of JSON that is not read
 */
export function parseImageConfig(raw: Uint8Array): Parsed<ImageConfig> {
  return parseDocument(raw, readImageConfig);
}

/**
 * The diff_ids of an image, every one a digest that can be checked.
 *
 * @throws {OciSpecError} INVALID_DIGEST, UNKNOWN_ALGORITHM
 */
export function diffIds(config: ImageConfig): readonly string[] {
  for (const [i, diffId] of config.rootfs.diff_ids.entries()) checkDiffId(diffId, `rootfs.diff_ids[${i}]`);
  return config.rootfs.diff_ids;
}

function checkDiffId(diffId: string, path: string): void {
  try {
    digestAlgorithm(diffId);
  } catch (cause) {
    if (cause instanceof OciSpecError)
      throw new OciSpecError(cause.code, `parsing diff_id from image config: ${cause.message}`, { path, cause });
    throw cause;
  }
}

const readImageConfig: Reader<ImageConfig> = (value, path) => {
  const object = read.object(value, path);
  return {
    ...readPlatform(value, path),
    rootfs: required(object, 'rootfs', path, readRootFs),
    ...optional(object, 'created', path, read.string),
    ...optional(object, 'author', path, read.string),
    ...optional(object, 'config', path, readExecutionConfig),
    ...optional(object, 'history', path, read.array(readHistoryEntry)),
  };
};

const readRootFs: Reader<RootFs> = (value, path) => {
  const object = read.object(value, path);
  return {
    type: required(object, 'type', path, read.string),
    diff_ids: required(object, 'diff_ids', path, read.array(read.string)),
  };
};

const readExecutionConfig: Reader<ExecutionConfig> = (value, path) => {
  const object = read.object(value, path);
  return {
    ...optional(object, 'User', path, read.string),
    ...optional(object, 'Env', path, read.array(read.string)),
    ...optional(object, 'Entrypoint', path, read.array(read.string)),
    ...optional(object, 'Cmd', path, read.array(read.string)),
    ...optional(object, 'WorkingDir', path, read.string),
    ...optional(object, 'Labels', path, read.stringMap),
    ...optional(object, 'StopSignal', path, read.string),
  };
};

const readHistoryEntry: Reader<HistoryEntry> = (value, path) => {
  const object = read.object(value, path);
  return {
    ...optional(object, 'created', path, read.string),
    ...optional(object, 'created_by', path, read.string),
    ...optional(object, 'author', path, read.string),
    ...optional(object, 'comment', path, read.string),
    ...optional(object, 'empty_layer', path, read.boolean),
  };
};

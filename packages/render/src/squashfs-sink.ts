import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createHash } from '@cfskit/oci-spec';
import { compareTimes, EPOCH, type Time } from '@cfskit/fs-tree';
import { hasCode } from './errors.ts';
import type { EntryStat } from './layer-entry.ts';
import { squashfsRootOwner } from './list-squashfs.ts';
import { mksquashfsArguments, mksquashfsVersion, type SquashfsCompression, type ToolsVersion } from './mksquashfs.ts';
import { NOTHING_SKIPPED, type OutputSink, type SinkResult } from './output-sink.ts';
import { partialFile, type PartialFile } from './partial-file.ts';
import { visits, type OutputEntry, type Plan } from './plan.ts';
import { startProgram, type FedProgram } from './run-program.ts';
import { TarFeed } from './tar-feed.ts';

/** What squashfs image to make. */
export interface SquashfsOptions {
  /** mksquashfs; looked for in PATH if not given. */
  readonly binpath?: string;
  /** Default `zstd`. */
  readonly compression?: SquashfsCompression;
  /**
   * Equal inputs give equal bytes: the image's own time is that of its newest file, or of the config if that is not earlier. Or this time, in
   * seconds since 1970, which then is that of later files too.
   */
  readonly reproducible?: boolean | bigint;
  /** When the image was made. */
  readonly created?: Time | undefined;
}

/** What squashfs holds: seconds from 1970 to 2106. */
const SECONDS_MAX = 2n ** 32n - 1n;

/** Names of extended attributes that squashfs holds: of three namespaces, with something behind it. */
const XATTRS = /^(?:user|trusted|security)\../s;

/** No longer values are in a file system that Linux mounts. */
const XATTR_VALUE_MAX = 65_536;

/** Writes the merged image as a tar into mksquashfs. */
export class SquashfsSink extends TarFeed implements OutputSink {
  readonly order = 'stream';
  readonly #file: PartialFile;
  readonly #options: SquashfsOptions;
  readonly #version: ToolsVersion | undefined;
  readonly #signal: AbortSignal;
  #program: FedProgram | undefined;
  #root: EntryStat | undefined;
  #xattrsSkipped = 0;
  #timesRounded = 0;

  constructor(file: PartialFile, options: SquashfsOptions, version: ToolsVersion | undefined, signal: AbortSignal) {
    super({ numericOwners: true });
    this.#file = file;
    this.#options = options;
    this.#version = version;
    this.#signal = signal;
  }

  /** The program is started here: the metadata of the root are arguments of it. */
  async begin(plan: Plan): Promise<void> {
    const { binpath, compression = 'zstd', reproducible = false, created } = this.#options;
    const args = mksquashfsArguments(this.#file.partialPath, plan.rootStat, compression, this.#version);
    const time = reproducible === true ? newestTime(plan, created) : reproducible;
    const env = time === false ? {} : { env: { ...process.env, SOURCE_DATE_EPOCH: String(time) } };
    this.#root = plan.rootStat;
    await this.#file.reserve();
    this.#program = await startProgram(programOf(binpath), args, { ...env, signal: this.#signal });
  }

  entry(entry: OutputEntry): void {
    this.tar.entry({ ...entry, stat: this.#holdable(entry) });
  }

  async flush(): Promise<void> {
    for (const pieces of this.tar.take()) await this.#program!.write(pieces);
  }

  async finish(): Promise<SinkResult> {
    this.tar.close();
    await this.flush();
    await this.#program!.finish();
    const result = await this.#measure();
    const ownersSkipped = (await this.#keptRootOwner()) ? 0 : 1;
    this.#signal.throwIfAborted();
    await this.#file.commit();
    const skipped = { ownersSkipped, xattrsSkipped: this.#xattrsSkipped, timesRounded: this.#timesRounded };
    return { ...result, report: { ...NOTHING_SKIPPED, ...skipped } };
  }

  context(): string {
    const failed = this.#program?.status !== undefined && this.#program.status !== 0;
    return `merging layers into mksquashfs stdin${failed ? ` (${this.#program!.failure().message})` : ''}`;
  }

  async abort(): Promise<void> {
    await this.#program?.kill();
    await this.#file.discard();
  }

  async #measure(): Promise<{ bytes: number; digest: string }> {
    const { partialPath } = this.#file;
    const { size } = await stat(partialPath).catch((cause: unknown) => {
      throw hasCode(cause, 'ENOENT') ? this.#program!.failure({ cause }) : cause;
    });
    if (size === 0) throw this.#program!.failure();
    const hash = createHash('sha256');
    const signal = this.#signal;
    for await (const chunk of createReadStream(partialPath, { highWaterMark: 1024 * 1024 })) {
      signal.throwIfAborted();
      hash.update(chunk as Uint8Array);
    }
    return { bytes: size, digest: `sha256:${hash.digestHex()}` };
  }

  /** mksquashfs 4.5 does not look at the arguments for the owner of the root when it reads a tar: that is whoever runs it. */
  async #keptRootOwner(): Promise<boolean> {
    const { uid = 0, gid = 0 } = this.#root ?? {};
    if (uid === process.getuid?.() && gid === process.getgid?.()) return true;
    const found = await squashfsRootOwner(this.#file.partialPath);
    return found === undefined || (found.uid === uid && found.gid === gid);
  }

  /** The metadata that squashfs can hold; what it cannot is counted, and mksquashfs is spared a warning for each. */
  #holdable({ stat: wanted, kind }: OutputEntry): EntryStat {
    if (kind === 'hard-link') return wanted;
    const mtime = this.#holdableTime(wanted.mtime);
    const xattrs = new Map([...wanted.xattrs].filter(([name, value]) => XATTRS.test(name) && value.length <= XATTR_VALUE_MAX));
    this.#xattrsSkipped += wanted.xattrs.size - xattrs.size;
    return { ...wanted, mtime, xattrs };
  }

  #holdableTime(mtime: Time): Time {
    const { seconds, nanoseconds } = mtime;
    if (nanoseconds !== 0 || seconds < 0n || seconds > SECONDS_MAX) this.#timesRounded++;
    return { seconds: clamp(seconds), nanoseconds: 0 };
  }
}

function clamp(seconds: bigint): bigint {
  if (seconds < 0n) return 0n;
  return seconds > SECONDS_MAX ? SECONDS_MAX : seconds;
}

/** Neither earlier than any file of the image, which would get this time otherwise, nor than the image itself. */
function newestTime({ root }: Plan, created: Time = EPOCH): bigint {
  let newest = compareTimes(created, root.stat.mtime) > 0 ? created : root.stat.mtime;
  for (const { node } of visits(root)) if (compareTimes(node.stat.mtime, newest) > 0) newest = node.stat.mtime;
  return clamp(newest.seconds);
}

function programOf(binpath: string | undefined): string {
  return binpath ?? 'mksquashfs';
}

/**
 * Find mksquashfs, and begin a squashfs image.
 *
 * @param signal ends mksquashfs, whatever it is doing
 * @throws {RenderError} PROGRAM_MISSING, PROGRAM_TOO_OLD, OUTPUT_NOT_A_FILE
 */
export async function openSquashfsSink(path: string, options: SquashfsOptions, signal: AbortSignal): Promise<SquashfsSink> {
  const file = await partialFile(path);
  const version = await mksquashfsVersion(programOf(options.binpath), { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    return undefined; // the run tells why it ends, with what it was doing
  });
  return new SquashfsSink(file, options, version, signal);
}

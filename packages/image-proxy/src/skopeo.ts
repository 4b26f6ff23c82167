import { concatBytes } from '@cfskit/binary';
import { formatImageReference, type ImageReference } from '@cfskit/oci-ref';
import type { Platform } from '@cfskit/oci-spec';
import type { Readable } from 'node:stream';
import { Child, failedToRun, type CommandLine } from './child.ts';
import { ImageProxyError } from './errors.ts';
import { skopeoLauncher, surroundings, type Launcher } from './program.ts';
import { skopeoArguments, type SkopeoOptions, type Subcommand } from './skopeo-options.ts';
import { registryOfReference, skopeoReference } from './skopeo-reference.ts';
import { abortable, ignore } from './waiting.ts';
import { WorkDirectory } from './work-directory.ts';

const MAX_OUTPUT = 8 * 1024 * 1024;

/** How a run of skopeo is watched. */
export interface RunOptions {
  readonly platform?: Platform | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A run that shows no progress for so long is ended. */
  readonly stallMs: number;
  /** A number that changes while there is progress; without one a run has `stallMs` in all. */
  readonly progress?: () => Promise<number>;
}

/** skopeo for one reference: its command lines, the directory it works in, and the runs that are no conversation. */
export class Skopeo {
  readonly reference: ImageReference;
  readonly #options: SkopeoOptions;
  readonly #launcher: Launcher;
  readonly #children = new Set<Child>();
  #directory: WorkDirectory | undefined;
  #authfile: string | undefined;
  #isClosed = false;

  /** @throws {ImageProxyError} SKOPEO_MISSING */
  constructor(reference: ImageReference, options: SkopeoOptions) {
    this.reference = reference;
    this.#options = options;
    this.#launcher = skopeoLauncher(reference.transport, options, surroundings());
  }

  /** The reference, for messages. */
  describe(): string {
    return formatImageReference(this.reference);
  }

  /** The temporary directory; it is there until `close`. */
  get directory(): string {
    return this.#workDirectory().path;
  }

  /** How to start a subcommand. */
  commandLine(subcommand: Subcommand, args: readonly string[], platform: Platform | undefined): CommandLine {
    const tmpdir = this.directory;
    const options = { ...this.#options, authfile: this.#credentials() ?? this.#options.authfile };
    return {
      program: this.#launcher.program,
      args: [...this.#launcher.args, ...skopeoArguments(subcommand, options, { platform, tmpdir }), ...args],
      cwd: this.#options.cwd,
      env: this.#options.env ?? process.env,
    };
  }

  /**
   * The manifest or index that a reference names, as it is stored.
   *
   * @throws {ImageProxyError} SKOPEO_FAILED, STALLED; the signal's reason
   */
  inspectRaw(reference: ImageReference, options: RunOptions): Promise<Uint8Array<ArrayBuffer>> {
    return this.run('inspect', ['--raw', skopeoReference(reference)], options);
  }

  /**
   * Run a subcommand to its end.
   *
   * @returns what it printed
   * @throws {ImageProxyError} SKOPEO_FAILED, STALLED, CLOSED; the signal's reason
   */
  async run(subcommand: Subcommand, args: readonly string[], options: RunOptions): Promise<Uint8Array<ArrayBuffer>> {
    options.signal?.throwIfAborted();
    const child = new Child(this.commandLine(subcommand, args, options.platform), ['ignore', 'pipe', 'pipe']);
    this.#children.add(child);
    const watch = watchProgress(subcommand, options);
    try {
      return await abortable(Promise.race([outputOf(child, subcommand), watch.stalled]), options.signal);
    } finally {
      watch.stop();
      child.kill();
      void child.ended.then(() => this.#children.delete(child));
    }
  }

  /** End what is running and remove the directory. A second call does nothing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const children = [...this.#children];
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.ended));
    await this.#directory?.remove();
  }

  #workDirectory(): WorkDirectory {
    if (this.#isClosed) throw new ImageProxyError('CLOSED', `${this.describe()} has been closed`);
    this.#directory ??= new WorkDirectory(this.#options.tmpdir);
    return this.#directory;
  }

  /** Arguments can be seen by everybody on the machine. */
  #credentials(): string | undefined {
    const registry = registryOfReference(this.reference);
    const { creds } = this.#options;
    if (creds === undefined || registry === undefined) return undefined;
    const auth = Buffer.from(creds.includes(':') ? creds : `${creds}:`).toString('base64');
    this.#authfile ??= this.#workDirectory().writeSecret('auth.json', JSON.stringify({ auths: { [registry]: { auth } } }));
    return this.#authfile;
  }
}

async function outputOf(child: Child, subcommand: Subcommand): Promise<Uint8Array<ArrayBuffer>> {
  const output = collect(child.process.stdout!);
  output.catch(ignore);
  const end = await child.ended;
  if (end.status !== 0) throw failedToRun(`skopeo ${subcommand}`, end);
  return output;
}

async function collect(stream: Readable): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_OUTPUT) throw new ImageProxyError('PROTOCOL', `wanted at most ${MAX_OUTPUT} bytes from skopeo, found more`);
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}

function watchProgress(
  subcommand: Subcommand,
  { stallMs, progress }: RunOptions,
): { readonly stalled: Promise<never>; readonly stop: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  let last = 0;
  let since = performance.now();
  const check = async (): Promise<void> => {
    const now = (await progress?.().catch(() => last)) ?? last;
    if (now !== last) since = performance.now();
    last = now;
    if (performance.now() - since < stallMs) return;
    reject(new ImageProxyError('STALLED', `skopeo ${subcommand} made no progress for ${stallMs / 1000} s`, { retryable: true }));
  };
  const timer = setInterval(() => void check(), Math.max(stallMs / 4, 1));
  promise.catch(ignore);
  return { stalled: promise, stop: () => clearInterval(timer) };
}

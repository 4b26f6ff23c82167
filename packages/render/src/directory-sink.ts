import { constants, ftruncateSync, readSync, writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fromLatin1 } from '@cfskit/binary';
import { escapeBytes, type ByteString } from '@cfskit/fs-tree';
import { closeDescriptor, linkAt, mkdirAt, mknodAt, openAt, symlinkAt } from '@cfskit/linux';
import { checkTarget, openTarget, type DirectoryTarget, type Place } from './directory-target.ts';
import { MetadataSetter, type MetadataOptions } from './entry-metadata.ts';
import { hasCode, RenderError } from './errors.ts';
import { statOf, type EntryStat } from './layer-entry.ts';
import type { OutputSink, SinkResult } from './output-sink.ts';
import { visits, type OutputEntry, type Plan } from './plan.ts';

/** What becomes of devices that this user may not make: they are left out, an error, or empty files in their place. */
export type DevicePolicy = 'skip' | 'error' | 'placeholder';

/** How an image is unpacked. */
export interface DirectoryOptions extends MetadataOptions {
  /** Unpack into a directory that is not empty. Directories stay what they are, other things that are in the way are replaced. */
  readonly merge?: boolean;
  /** Default `skip`. */
  readonly devices?: DevicePolicy;
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const PRIVATE = 0o600;
const COPY_SIZE = 1024 * 1024;

/** Entries made between two turns of the event loop, where no chunk comes in between. */
const TURN = 1000;

interface MadeDirectory {
  readonly path: ByteString;
  readonly stat: EntryStat;
}

/** Unpacks the merged image into a directory. What was written stays when something fails. */
export class DirectorySink implements OutputSink {
  readonly order = 'stream';
  readonly takesAnyOrder = true;
  readonly #path: string;
  readonly #existed: boolean;
  readonly #options: DirectoryOptions;
  readonly #metadata: MetadataSetter;
  readonly #skipped: Set<OutputEntry> = new Set();
  /** Their metadata come last, for they may forbid to write into them; parents first. */
  #directories: MadeDirectory[] = [];
  #target: DirectoryTarget | undefined;
  #entry: OutputEntry | undefined;
  #fd = -1;
  #position = 0;
  #bytes = 0;

  constructor(path: string, existed: boolean, options: DirectoryOptions) {
    this.#path = path;
    this.#existed = existed;
    this.#options = options;
    this.#metadata = new MetadataSetter(options);
  }

  async begin({ root, rootStat }: Plan): Promise<void> {
    this.#target = await openTarget(this.#path);
    // A directory that was there and that no layer describes is the user's.
    if (rootStat.origin !== undefined || !this.#existed) this.#directories.push({ path: '', stat: rootStat });
    let made = 0;
    for (const { path, node } of visits(root)) {
      if (node.kind !== 'directory') continue;
      this.#makeDirectory(path, statOf(node.stat));
      if (++made % TURN === 0) await nextTurn();
    }
  }

  entry(entry: OutputEntry): void {
    switch (entry.kind) {
      case 'directory':
        return; // made at the beginning
      case 'file':
        this.#openFile(entry);
        return;
      case 'hard-link':
        this.#makeLink(entry, entry.linked!);
        return;
      default:
        this.#makeSpecial(entry);
    }
  }

  data(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength;) at += writeSync(this.#fd, bytes, at, bytes.byteLength - at, this.#position + at);
    this.#position += bytes.byteLength;
    this.#bytes += bytes.byteLength;
  }

  hole(size: number): void {
    this.#position += size;
    this.#bytes += size;
    if (this.#position === this.#entry!.size) ftruncateSync(this.#fd, this.#position);
  }

  end(): void {
    const { path, stat } = this.#entry!;
    this.#metadata.ofDescriptor(this.#fd, path, stat);
    this.#closeFile();
  }

  async flush(): Promise<void> {
    // Everything is written when it comes.
  }

  async finish(): Promise<SinkResult> {
    let done = 0;
    for (const { path, stat } of this.#directories.toReversed()) {
      this.#metadata.ofDescriptor(this.#target!.directory(path), path, stat);
      if (++done % TURN === 0) await nextTurn();
    }
    this.#target!.close();
    this.#target = undefined;
    return { bytes: this.#bytes, report: this.#metadata.report };
  }

  async abort(): Promise<void> {
    this.#closeFile();
    this.#target?.close();
    this.#target = undefined;
  }

  #makeDirectory(path: ByteString, stat: EntryStat): void {
    const place = this.#target!.place(path);
    const isNew = mkdirAt(place.directory, place.name, 0o700) === 'made';
    if (!isNew) this.#enterExisting(path, place, stat);
    // An existing directory that no layer describes keeps what it has.
    if (isNew || stat.origin !== undefined) this.#directories.push({ path, stat });
  }

  /** What is in the way of a directory: another one is as good; other things give way to one that a layer describes. */
  #enterExisting(path: ByteString, place: Place, stat: EntryStat): void {
    this.#requireMerge(path);
    try {
      closeDescriptor(openAt(place.directory, place.name, constants.O_RDONLY | constants.O_DIRECTORY));
    } catch (cause) {
      if (!hasCode(cause, 'ELOOP', 'ENOTDIR')) throw cause;
      if (stat.origin === undefined) {
        throw new RenderError('TARGET_BLOCKED', `a parent directory is something else in the target: ${escapeBytes(path)}`, {
          path,
          cause,
        });
      }
      this.#target!.clear(path, place);
      mkdirAt(place.directory, place.name, 0o700);
    }
  }

  #openFile(entry: OutputEntry): void {
    const { path } = entry;
    this.#entry = entry;
    this.#position = 0;
    const place = this.#target!.place(path);
    this.#make(path, place, () => this.#create(place));
  }

  #create({ directory, name }: Place): 'made' | 'exists' {
    try {
      this.#fd = openAt(directory, name, NEW_FILE, PRIVATE);
      return 'made';
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return 'exists';
      throw error;
    }
  }

  #makeSpecial(entry: OutputEntry): void {
    const { path, stat, kind } = entry;
    const place = this.#target!.place(path);
    const outcome = this.#make(path, place, () => makeSpecialFile(entry, place));
    if (outcome === 'denied') this.#withoutDevice(entry);
    else this.#metadata.ofEntry(place, path, stat, kind === 'symlink');
  }

  #withoutDevice(entry: OutputEntry): void {
    const { devices = 'skip' } = this.#options;
    if (devices === 'error') {
      throw new RenderError('DEVICE_REFUSED', `this user may not make devices here: ${escapeBytes(entry.path)}`, { path: entry.path });
    }
    this.#metadata.count('devicesSkipped');
    if (devices === 'skip') {
      this.#skipped.add(entry);
      return;
    }
    this.#openFile(entry);
    this.end();
  }

  #makeLink(entry: OutputEntry, linked: OutputEntry): void {
    if (this.#skipped.has(linked)) {
      this.#metadata.count('devicesSkipped');
      return;
    }
    const from = this.#target!.place(linked.path);
    const to = this.#target!.place(entry.path);
    const outcome = this.#make(entry.path, to, () => linkAt(from.directory, from.name, to.directory, to.name));
    if (outcome === 'refused') this.#copyLinked(entry, linked, from);
  }

  /** Another file with the same content and metadata. */
  #copyLinked({ path }: OutputEntry, linked: OutputEntry, from: Place): void {
    this.#metadata.count('linksCopied');
    const copy = { ...linked, path };
    this.entry(copy);
    if (linked.kind !== 'file') return;
    this.#copyContent(from);
    this.end();
  }

  #copyContent({ directory, name }: Place): void {
    const source = openAt(directory, name, constants.O_RDONLY);
    try {
      const buffer = new Uint8Array(COPY_SIZE);
      for (let count = readSync(source, buffer); count > 0; count = readSync(source, buffer)) this.data(buffer.subarray(0, count));
    } finally {
      closeDescriptor(source);
    }
  }

  /** Make something, and once more if a thing that was in the way could be removed. */
  #make<T extends string>(path: ByteString, place: Place, make: () => T | 'exists'): T {
    const outcome = make();
    if (outcome !== 'exists') return outcome;
    this.#requireMerge(path);
    this.#target!.clear(path, place);
    const again = make();
    if (again !== 'exists') return again;
    throw new RenderError('TARGET_BLOCKED', `somebody else makes ${escapeBytes(path)} meanwhile`, { path });
  }

  #requireMerge(path: ByteString): void {
    if (this.#options.merge === true) return;
    throw new RenderError('TARGET_BLOCKED', `two names are one to this file system: ${escapeBytes(path)}`, { path });
  }

  #closeFile(): void {
    if (this.#fd !== -1) closeDescriptor(this.#fd);
    this.#fd = -1;
  }
}

function makeSpecialFile({ kind, rdev, target }: OutputEntry, { directory, name }: Place): 'made' | 'exists' | 'denied' {
  switch (kind) {
    case 'symlink':
      return symlinkAt(fromLatin1(target), directory, name);
    case 'character-device':
    case 'block-device':
      return mknodAt(directory, name, { type: kind, mode: PRIVATE, rdev });
    default:
      return mknodAt(directory, name, { type: 'fifo', mode: PRIVATE });
  }
}

/**
 * Look at the target of an unpacking. Nothing is made before the layers have been checked.
 *
 * @throws {RenderError} TARGET_NOT_EMPTY, TARGET_BLOCKED
 */
export async function openDirectorySink(path: string, options: DirectoryOptions): Promise<DirectorySink> {
  const existed = await checkTarget(path, options.merge === true);
  return new DirectorySink(path, existed, options);
}

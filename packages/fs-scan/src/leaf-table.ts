import type { ByteString, Directory, FileLeaf, Leaf } from '@cfskit/fs-tree';
import type { DirectoryWalk, Found, FoundEntry } from './directory-walk.ts';
import type { FileRecord, FileRequest } from './file-reader.ts';
import type { ScanProgress, ScanStats } from './scan-directory.ts';

/** A regular file that is to be read, and all names of it that have been met so far. */
export interface PendingFile {
  readonly request: FileRequest;
  readonly size: number;
  readonly places: Place[];
}

type Place = Pick<FoundEntry, 'directory' | 'name'>;

/** Every file that has been met, by file system and inode number: so that each is read once, and hard links are found. */
export class LeafTable {
  readonly #walk: DirectoryWalk;
  readonly #breaksLinks: boolean;
  readonly #files = new Map<number, Map<number | bigint, Leaf | PendingFile>>();
  #entries = 0;
  #links = 0;
  #read = 0;
  #bytes = 0;
  #external = 0;
  #stored = 0;
  #storedBytes = 0;

  constructor(walk: DirectoryWalk, hardLinks: 'tracked' | 'broken') {
    this.#walk = walk;
    this.#breaksLinks = hardLinks === 'broken';
  }

  /** Put an entry into the tree. A regular file that is new is returned instead: it has to be read. */
  add(found: Found): PendingFile | undefined {
    this.#entries += 1;
    const sameDevice = this.#onDevice(found.status.dev);
    const key = inodeKey(found.status.ino);
    const known = sameDevice.get(key);
    if (known !== undefined) {
      this.#links += 1;
      this.#addName(known, found);
      return undefined;
    }
    const entry = found.kind === 'file' ? pendingFile(found) : found.leaf();
    sameDevice.set(key, entry);
    if ('request' in entry) return entry;
    found.directory.insert(found.name, entry);
    return undefined;
  }

  /** Put a file that has been read into the tree, under all its names. */
  settle({ request, size, places }: PendingFile, { content, stored, xattrs, ...status }: FileRecord): void {
    const leaf: FileLeaf = { kind: 'file', stat: this.#walk.statOf(status, xattrs), content };
    this.#onDevice(request.dev).set(inodeKey(request.ino), leaf);
    places.forEach((place, index) => this.#insert(place, leaf, index > 0));
    this.#read += 1;
    this.#bytes += size;
    if (content.kind === 'external') this.#external += 1;
    if (!stored) return;
    this.#stored += 1;
    this.#storedBytes += size;
  }

  progress(): ScanProgress {
    return { directories: this.#walk.directories, entries: this.#entries, files: this.#read, bytes: this.#bytes };
  }

  stats(): ScanStats {
    return { ...this.progress(), links: this.#links, external: this.#external, stored: this.#stored, storedBytes: this.#storedBytes };
  }

  #onDevice(dev: number): Map<number | bigint, Leaf | PendingFile> {
    let files = this.#files.get(dev);
    if (files === undefined) this.#files.set(dev, (files = new Map()));
    return files;
  }

  #addName(known: Leaf | PendingFile, place: Place): void {
    if ('request' in known) known.places.push({ directory: place.directory, name: place.name });
    else this.#insert(place, known, true);
  }

  #insert({ directory, name }: { directory: Directory; name: ByteString }, leaf: Leaf, isFurtherName: boolean): void {
    directory.insert(name, isFurtherName && this.#breaksLinks ? { ...leaf } : leaf);
  }
}

function pendingFile({ directory, name, path, status }: FoundEntry): PendingFile {
  return { request: { path, dev: status.dev, ino: status.ino }, size: status.size, places: [{ directory, name }] };
}

/** Numbers take less room than bigints, and nearly all inode numbers are exact as such. */
function inodeKey(ino: bigint): number | bigint {
  return ino <= Number.MAX_SAFE_INTEGER ? Number(ino) : ino;
}

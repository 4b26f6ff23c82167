import { splitPath, type ByteString } from '@cfskit/fs-tree';
import { createHash, type Hash } from '@cfskit/oci-spec';
import { RenderError } from './errors.ts';
import { fileChunks } from './file-layer.ts';
import { withDefaults, type RenderLimits } from './limits.ts';
import { noDigest, type ListedEntry, type TreeListing } from './tree-listing.ts';
import type { TarMember } from './tar-member.ts';
import { TarReader, type TarReaderSink } from './tar-reader.ts';
import { Turns } from './turns.ts';

/** How a tar is listed. */
export interface ListTarOptions {
  readonly limits?: RenderLimits;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The tree in an uncompressed tar, in one pass. The last entry for a path counts; parents without an entry are implied.
 *
 * @throws {RenderError} for a tar that cannot be read, and for a hard link without a target
 */
export async function listTar(path: string, options: ListTarOptions = {}): Promise<TreeListing> {
  const { limits, signal } = options;
  const lister = new TarLister();
  const reader = new TarReader(lister, withDefaults(limits));
  const turns = new Turns(signal);
  for await (const chunk of fileChunks(path)) {
    reader.push(chunk);
    await lister.hashHoles(turns);
    await turns.take();
  }
  reader.finish();
  return { entries: lister.entries, close: () => Promise.resolve() };
}

const ZEROS = new Uint8Array(1024 * 1024);

interface HashedContent {
  readonly hash: Hash;
  /** Once everything is hashed. */
  digest: string;
}

class TarLister implements TarReaderSink {
  readonly entries: Map<ByteString, ListedEntry> = new Map();
  #path: ByteString = '';
  #content: HashedContent | undefined;
  /** Hashing that waits: a hole may be long, and whatever comes behind it. */
  #waiting: (() => void)[] = [];

  member(member: TarMember, size: number): void {
    this.#path = cleanPath(member.path, member);
    this.#implyParents();
    if (member.kind === 'hard-link') this.#link(member);
    else if (member.kind === 'file') {
      const content: HashedContent = { hash: createHash('sha256'), digest: '' };
      this.#content = content;
      this.entries.set(
        this.#path,
        listed(member, size, () => Promise.resolve(content.digest)),
      );
    } else this.entries.set(this.#path, listed(member, 0, noDigest));
  }

  data(bytes: Uint8Array): void {
    const { hash } = this.#content!;
    this.#inTurn(() => hash.update(bytes));
  }

  hole(size: number): void {
    const { hash } = this.#content!;
    for (let left = size; left > 0; left -= ZEROS.byteLength) {
      const piece = ZEROS.subarray(0, Math.min(left, ZEROS.byteLength));
      this.#waiting.push(() => hash.update(piece));
    }
  }

  end(): void {
    const content = this.#content!;
    this.#inTurn(() => (content.digest = content.hash.digestHex()));
  }

  /** What waits. To be called after each chunk, which is looked at here for the last time. */
  async hashHoles(turns: Turns): Promise<void> {
    for (const step of this.#waiting) {
      step();
      await turns.take();
    }
    this.#waiting = [];
  }

  #inTurn(step: () => void): void {
    if (this.#waiting.length === 0) step();
    else this.#waiting.push(step);
  }

  #link(member: TarMember): void {
    const target = this.entries.get(cleanPath(member.target, member));
    if (target === undefined) throw new RenderError('INVALID_HEADER', 'hard link without a target', { path: this.#path });
    this.entries.set(this.#path, target);
  }

  #implyParents(): void {
    for (let slash = this.#path.lastIndexOf('/'); slash > 0; slash = this.#path.lastIndexOf('/', slash - 1)) {
      const parent = this.#path.slice(0, slash);
      if (this.entries.has(parent)) return;
      this.entries.set(parent, { kind: 'directory', size: 0, target: '', rdev: 0, inode: {}, digest: noDigest });
    }
  }
}

function cleanPath(path: ByteString, { offset }: TarMember): ByteString {
  const names = splitPath(path);
  if (names.includes('..')) throw new RenderError('INVALID_HEADER', 'path with a .. component', { path, offset });
  return names.join('/');
}

function listed(member: TarMember, size: number, digest: ListedEntry['digest']): ListedEntry {
  const { kind, mode, uid, gid, mtime, xattrs, target, rdev } = member;
  return {
    kind: kind as ListedEntry['kind'], // hard links are resolved
    metadata: { mode, uid, gid, mtime, xattrs },
    size,
    target,
    rdev,
    inode: {},
    digest,
  };
}

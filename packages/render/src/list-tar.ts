import { splitPath, type ByteString } from '@cfskit/fs-tree';
import { createHash, type Hash } from '@cfskit/oci-spec';
import { RenderError } from './errors.ts';
import { fileChunks } from './file-layer.ts';
import { withDefaults, type RenderLimits } from './limits.ts';
import { noDigest, type ListedEntry, type TreeListing } from './tree-listing.ts';
import type { TarMember } from './tar-member.ts';
import { TarReader, type TarReaderSink } from './tar-reader.ts';

/**
 * The tree in an uncompressed tar, in one pass. The last entry for a path counts; parents without an entry are implied.
 *
 * @throws {RenderError} for a tar that cannot be read, and for a hard link without a target
 */
export async function listTar(path: string, limits?: RenderLimits): Promise<TreeListing> {
  const lister = new TarLister();
  const reader = new TarReader(lister, withDefaults(limits));
  for await (const chunk of fileChunks(path)) reader.push(chunk);
  reader.finish();
  return { entries: lister.entries, close: () => Promise.resolve() };
}

const ZEROS = new Uint8Array(64 * 1024);

class TarLister implements TarReaderSink {
  readonly entries: Map<ByteString, ListedEntry> = new Map();
  #path: ByteString = '';
  #pending: ((digest: string) => ListedEntry) | undefined;
  #hash: Hash | undefined;

  member(member: TarMember, size: number): void {
    this.#path = cleanPath(member.path, member);
    this.#implyParents();
    if (member.kind === 'hard-link') this.#link(member);
    else if (member.kind === 'file') {
      this.#hash = createHash('sha256');
      this.#pending = (digest) => listed(member, size, digest);
    } else this.entries.set(this.#path, listed(member, 0, ''));
  }

  data(bytes: Uint8Array): void {
    this.#hash!.update(bytes);
  }

  hole(size: number): void {
    for (let left = size; left > 0; left -= ZEROS.byteLength) this.#hash!.update(ZEROS.subarray(0, Math.min(left, ZEROS.byteLength)));
  }

  end(): void {
    this.entries.set(this.#path, this.#pending!(this.#hash!.digestHex()));
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

function listed(member: TarMember, size: number, digest: string): ListedEntry {
  const { kind, mode, uid, gid, mtime, xattrs, target, rdev } = member;
  return {
    kind: kind as ListedEntry['kind'], // hard links are resolved
    metadata: { mode, uid, gid, mtime, xattrs },
    size,
    target,
    rdev,
    inode: {},
    digest: () => Promise.resolve(digest),
  };
}

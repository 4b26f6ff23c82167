import { TarSplitter, type TarMember } from '@cfskit/tar-split';

/** An entry of a tar as another reader than the one under test sees it. */
export interface ReadEntry {
  /** Without a slash at either end, one character per byte. */
  readonly path: string;
  readonly type: TarMember['type'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds. */
  readonly mtime: number;
  readonly target: string;
  readonly rdev: number;
  readonly xattrs: Readonly<Record<string, string>>;
  readonly content: string;
}

/** The entries of a tar, in their order. */
export function readTar(bytes: Uint8Array): ReadEntry[] {
  const members: TarMember[] = [];
  const splitter = new TarSplitter(
    { inline: () => undefined, fileStart: () => undefined, fileData: () => undefined, fileEnd: () => undefined },
    { onEntry: (member) => void members.push(member) },
  );
  splitter.push(bytes);
  splitter.finish();
  return members.map((member) => readEntry(member, bytes));
}

function readEntry(member: TarMember, bytes: Uint8Array): ReadEntry {
  const start = member.offset + 512;
  return {
    path: latin1(member.path).replace(/^\//, ''),
    type: member.type,
    mode: member.mode,
    uid: member.uid,
    gid: member.gid,
    mtime: Number(member.mtime.seconds) + member.mtime.nanoseconds / 1e9,
    target: member.type === 'hard-link' ? latin1(member.target!).slice(1) : latin1(member.target ?? new Uint8Array()),
    rdev: Number(member.rdev ?? 0),
    xattrs: Object.fromEntries(member.xattrs.map(({ name, value }) => [latin1(name), latin1(value)])),
    content: member.type === 'file' ? latin1(bytes.subarray(start, start + member.size)) : '',
  };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

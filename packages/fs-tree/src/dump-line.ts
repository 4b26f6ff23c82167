import { escapeField, escapeXattr, type ByteString } from './escape.ts';
import type { Time } from './stat.ts';

/** The eleven fields of a dump line and its extended attributes, as numbers and byte strings. */
export interface DumpLine {
  /** Absolute; the root is `/` in a dumpfile. An empty path prints as `-`, as the root does in the listing of a layer. */
  readonly path: ByteString;
  readonly size: number | bigint;
  /** Type and permission bits. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number | bigint;
  readonly mtime: Time;
  readonly payload?: ByteString;
  readonly content?: ByteString;
  /** Hex digits. */
  readonly digest?: string;
  /** In the order in which they are printed. */
  readonly xattrs: Iterable<readonly [ByteString, ByteString]>;
}

/** The text of a line, ASCII, without a line feed. Absent and empty payloads, contents and digests print alike, as `-`. */
export function formatDumpLine(line: DumpLine): string {
  return format(line, line.mode.toString(8), line.payload);
}

/**
 * The line of another name of a file that has a line of its own.
 *
 * @param like that file's line: its fields are repeated, as the C tools do; without it, only path and target are filled in
 */
export function formatHardLinkLine(path: ByteString, target: ByteString, like?: DumpLine): string {
  if (like !== undefined) return format({ ...like, path }, `@${like.mode.toString(8)}`, target);
  return `${escapeField(path)} 0 @120000 - - - - 0.0 ${escapeField(target)} - -`;
}

function format(line: DumpLine, mode: string, payload: ByteString | undefined): string {
  const { size, nlink, uid, gid, rdev, mtime } = line;
  // Nanoseconds are an integer of their own and no decimal fraction: they are not padded.
  const fields = `${size} ${mode} ${nlink} ${uid} ${gid} ${rdev} ${mtime.seconds}.${mtime.nanoseconds}`;
  let text = `${escapeField(line.path)} ${fields} ${escapeField(payload)} ${escapeField(line.content)} ${line.digest ?? '-'}`;
  for (const [name, value] of line.xattrs) text += ` ${escapeXattr(name)}=${escapeXattr(value)}`;
  return text;
}

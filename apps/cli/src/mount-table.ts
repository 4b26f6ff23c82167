import { readFile } from 'node:fs/promises';

/** One mount of this process's mount table. */
export interface MountEntry {
  readonly mountpoint: string;
  readonly type: string;
  readonly source: string;
}

/** The mounts that this process sees, those on top of others after them. */
export async function readMountTable(): Promise<MountEntry[]> {
  return parseMountTable(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** Read the text of `/proc/<pid>/mountinfo`. */
export function parseMountTable(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right] = line.split(' - ');
    if (right === undefined) return [];
    const mountpoint = left.split(' ')[4] ?? '';
    const [type = '', source = ''] = right.split(' ');
    return [{ mountpoint: unescapeOctal(mountpoint), type, source: unescapeOctal(source) }];
  });
}

/** Blanks, line feeds and backslashes are written in octal, byte by byte. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

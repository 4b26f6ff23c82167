import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fsVerityDigest, objectPath } from '@cfskit/fs-verity';
import { capabilities, setXattr } from '@cfskit/linux';

/** 200 bytes, so they are kept as an object. */
export const LARGE: Uint8Array = new TextEncoder().encode('large '.repeat(34).slice(0, 200));
/** Ids of {@link LARGE}. */
export const LARGE_ID = { sha256: fsVerityDigest(LARGE, 'sha256'), sha512: fsVerityDigest(LARGE, 'sha512') } as const;
/** Paths of its object. */
export const LARGE_PATH = { sha256: objectPath(LARGE_ID.sha256), sha512: objectPath(LARGE_ID.sha512) } as const;
/** A name that is no UTF-8. */
const ODD_NAME = Buffer.from([0x6f, 0x64, 0x64, 0x2d, 0xff]);
const TIME = '@1000000000.5';

/** Whether attributes can be read and set, which images of directories need. */
export const hasXattrs: boolean = capabilities().xattrs.means === 'native';

/** Make a directory that could be the root of a container: `usr`, `etc`, `run`, hard links, symbolic links, a FIFO, an attribute. */
export function makeRoot(root: string): string {
  for (const name of ['usr/bin', 'etc', 'run/lock']) mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'usr/bin/tool'), LARGE, { mode: 0o755 });
  linkSync(join(root, 'usr/bin/tool'), join(root, 'usr/bin/tool-link'));
  symlinkSync('bin/tool', join(root, 'usr/sh'));
  symlinkSync('/usr/sh', join(root, 'etc/absolute'));
  writeFileSync(join(root, 'etc/small'), 'small\n');
  writeFileSync(join(root, 'etc/name with blanks\nand a line'), 'x');
  writeFileSync(Buffer.concat([Buffer.from(`${root}/etc/`), ODD_NAME]), 'odd');
  execFileSync('mkfifo', [join(root, 'etc/fifo')]);
  if (hasXattrs) setXattr(join(root, 'etc/small'), Buffer.from('user.note'), Buffer.from('kept?'));
  chmodSync(join(root, 'usr'), 0o750);
  setTimes(root);
  return root;
}

/** Give everything below a directory the same time, and itself. */
export function setTimes(root: string, time: string = TIME): void {
  execFileSync('find', [root, '-exec', 'touch', '-h', '-d', time, '{}', '+']);
}

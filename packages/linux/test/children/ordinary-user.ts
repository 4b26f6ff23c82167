// What a user who is not root gets from the calls that ask for more. Prints the outcomes.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capabilities, chmodAt, chownAt, fsopen, listXattrs, mknodAt, setXattr, getXattr, utimesAt } from '../../src/index.ts';

const encoder = new TextEncoder();
const bytes = (text: string): Uint8Array => encoder.encode(text);
const home = mkdtempSync('/dev/shm/cfskit-linux-user-');
const mine = openSync(home, 'r');
const theirs = openSync('/', 'r');
writeFileSync(join(home, 'file'), '');

// Version 2 of the structure, no capability in it.
const capability = new Uint8Array(20);
capability[3] = 2;

let mount = 'made';
try {
  fsopen('tmpfs');
} catch (error) {
  mount = (error as { code: string }).code;
}

const outcomes = {
  uid: process.getuid?.() === 0 ? 'root' : 'ordinary',
  device: mknodAt(mine, bytes('null'), { type: 'character-device', mode: 0o600, rdev: 0x103 }),
  fifo: mknodAt(mine, bytes('fifo'), { type: 'fifo', mode: 0o600 }),
  owner: chownAt(mine, bytes('file'), 0, 0),
  ownMode: chmodAt(mine, bytes('file'), 0o640),
  mode: chmodAt(theirs, bytes('etc'), 0o755),
  times: utimesAt(theirs, bytes('etc'), { mtime: { seconds: 1n, nanoseconds: 0 } }),
  capability: setXattr(join(home, 'file'), bytes('security.capability'), capability),
  trusted: setXattr(join(home, 'file'), bytes('trusted.a'), bytes('x')),
  seen: getXattr(join(home, 'file'), bytes('trusted.a')) ?? 'none',
  listed: listXattrs(join(home, 'file')) !== 'unsupported',
  mount,
  mounts: capabilities().mounts,
};
closeSync(mine);
closeSync(theirs);
rmSync(home, { recursive: true });
process.stdout.write(JSON.stringify(outcomes));

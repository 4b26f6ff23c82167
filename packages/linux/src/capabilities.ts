import { nativeBlockHash } from './block-hash.ts';
import { mountPermission } from './filesystem-context.ts';
import { hasProgram } from './helper.ts';
import { loadKoffi } from './koffi.ts';
import { hasOpenat2 } from './open-at.ts';

/** How something is done here: by a system call, by something slower or weaker with the same result, or not at all. */
export interface Capability {
  readonly means: 'native' | 'fallback' | 'absent';
  /** What does it, or what is missing, for people. */
  readonly by: string;
}

/** What this process can do, whatever the file system; {@link probeDirectory} asks the file system. */
export interface Capabilities {
  readonly koffi: Capability;
  readonly flock: Capability;
  readonly syncfs: Capability;
  /** Files without a name that can be named later: O_TMPFILE and linkat. */
  readonly unnamedFiles: Capability;
  readonly reflink: Capability;
  readonly verity: Capability;
  /** The hash of fs-verity blocks, {@link nativeBlockHash}. */
  readonly blockHash: Capability;
  readonly xattrs: Capability;
  /** `openAt` and the other calls relative to an open directory. */
  readonly directoryCalls: Capability;
  /** {@link openBeneath} with paths of more than one component. */
  readonly openBeneath: Capability;
  /** Sockets that pass descriptors. */
  readonly messages: Capability;
  /** The mount calls, for this user. */
  readonly mounts: Capability;
}

/**
 * Report what is native here, what has a fallback and what is absent. Loads koffi, starts no program, writes nothing.
 */
export function capabilities(): Capabilities {
  const loaded = loadKoffi();
  if (loaded.koffi === undefined) return withoutKoffi(loaded.missing);
  const native: Capability = { means: 'native', by: `koffi ${loaded.koffi.version}` };
  const hasBlockHash = nativeBlockHash('sha512') !== undefined;
  return {
    koffi: native,
    flock: native,
    syncfs: native,
    unnamedFiles: native,
    reflink: native,
    verity: native,
    blockHash: hasBlockHash ? { means: 'native', by: 'OpenSSL of this process' } : NODE_CRYPTO,
    xattrs: native,
    directoryCalls: native,
    openBeneath: hasOpenat2() ? native : WALK,
    messages: native,
    mounts: mountCapability(native),
  };
}

function mountCapability(native: Capability): Capability {
  const permission = mountPermission();
  return permission === 'granted' ? native : { means: 'absent', by: permission === 'denied' ? 'not permitted' : 'needs Linux 5.2' };
}

function withoutKoffi(missing: string): Capabilities {
  const absent: Capability = { means: 'absent', by: missing };
  return {
    koffi: absent,
    flock: byProgram('flock'),
    syncfs: byProgram('sync'),
    unnamedFiles: { means: 'fallback', by: 'files with a temporary name' },
    reflink: { means: 'fallback', by: 'copyFile of node:fs' },
    verity: absent,
    blockHash: NODE_CRYPTO,
    xattrs: absent,
    directoryCalls: { means: 'fallback', by: 'node:fs on paths below /proc/self/fd' },
    openBeneath: WALK,
    messages: absent,
    mounts: absent,
  };
}

function byProgram(program: string): Capability {
  return hasProgram(program) ? { means: 'fallback', by: `${program}(1)` } : { means: 'absent', by: `no program ${program}` };
}

const WALK: Capability = { means: 'fallback', by: 'one component at a time, without symbolic links' };
const NODE_CRYPTO: Capability = { means: 'fallback', by: 'node:crypto' };

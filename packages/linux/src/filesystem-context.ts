import { readSync } from 'node:fs';
import { errnoName } from './errno.ts';
import { errnoOf, LinuxError } from './errors.ts';

import { call, required, systemCall, valueOf, type CallResult, type PlainFunction } from './libc.ts';
import { nativePath } from './names.ts';

/**
 * Start to configure a new instance of a file system, `erofs` or `overlay` for instance (fsopen(2), Linux 5.2).
 *
 * @returns a descriptor for the calls of this file; close it with `closeDescriptor`
 * @throws {LinuxError} EPERM without CAP_SYS_ADMIN; ENODEV if the kernel has no such file system; UNSUPPORTED without koffi
 * @see {@link https://docs.kernel.org/filesystems/mount_api.html}
 */
export function fsopen(type: string): number {
  return valueOf('fsopen', call(required('fsopen', nativeFsopen()), nativePath(type), FSOPEN_CLOEXEC), type);
}

/** Whether this process may mount. The kernel checks that first, before flags that it does not know. */
export function mountPermission(): 'granted' | 'denied' | 'unsupported' {
  const native = nativeFsopen();
  if (native === undefined) return 'unsupported';
  const { errno } = call(native, nativePath('tmpfs'), UNKNOWN_FLAG);
  return errno === EINVAL ? 'granted' : errno === EPERM ? 'denied' : 'unsupported';
}

/** What {@link fsconfig} does to a context. */
export type FsParameter =
  /** A parameter that is there or not: `ro`. */
  | { readonly set: 'flag'; readonly key: string }
  | { readonly set: 'string'; readonly key: string; readonly value: string }
  /** A parameter that is an open file: a layer of an overlay, since Linux 6.13. */
  | { readonly set: 'descriptor'; readonly key: string; readonly value: number }
  /** Make the instance from what has been set; or change one that is there. */
  | { readonly command: 'create' | 'reconfigure' };

/**
 * Set a parameter of a file system, or make it (fsconfig(2)).
 *
 * @throws {LinuxError} the errno, with the kernel's own messages in the text; UNSUPPORTED without koffi
 */
export function fsconfig(context: number, parameter: FsParameter): void {
  const result = configure(required('fsconfig', nativeFsconfig()), context, parameter);
  if (result.errno !== 0) throw contextError('fsconfig', result.errno, context, describe(parameter));
}

/** Restrictions of a mount, `MOUNT_ATTR_*`. */
export interface MountAttributes {
  readonly readOnly?: boolean | undefined;
  readonly noSuid?: boolean | undefined;
  readonly noDev?: boolean | undefined;
  readonly noExec?: boolean | undefined;
  readonly noSymlinks?: boolean | undefined;
}

/**
 * Make a mount of a file system that has been created. It is not attached anywhere and vanishes with its descriptor until `moveMount`
 * (fsmount(2)).
 *
 * @returns a descriptor of the mount's root; close it with `closeDescriptor`
 * @throws {LinuxError} the errno, with the kernel's own messages in the text; UNSUPPORTED without koffi
 */
export function fsmount(context: number, attributes: MountAttributes = {}): number {
  const result = call(required('fsmount', nativeFsmount()), context, FSMOUNT_CLOEXEC, attributeBits(attributes));
  if (!('value' in result)) throw contextError('fsmount', result.errno, context);
  return result.value;
}

/**
 * What the kernel has to say about a context, errors as well as warnings. It says everything once: failed calls of this file have asked already,
 * and their errors have it.
 */
export function readFsMessages(context: number): string[] {
  const messages: string[] = [];
  const memory = new Uint8Array(4096);
  for (let size = 0; messages.length < MOST_MESSAGES;) {
    const errno = errnoOf(() => (size = readSync(context, memory, 0, memory.byteLength, null)));
    if (errno !== 0 || size === 0) break;
    messages.push(withoutLevel(new TextDecoder().decode(memory.subarray(0, size)).trim()));
  }
  return messages;
}

/** Bits of {@link MountAttributes}. */
export function attributeBits(attributes: MountAttributes): number {
  const names = Object.keys(ATTRIBUTE_BITS) as (keyof MountAttributes)[];
  return names.reduce((bits, name) => bits | (attributes[name] === true ? ATTRIBUTE_BITS[name] : 0), 0);
}

function configure(native: PlainFunction, context: number, parameter: FsParameter): CallResult {
  if ('command' in parameter) return call(native, context, COMMAND[parameter.command], null, null, 0);
  const key = nativePath(parameter.key);
  switch (parameter.set) {
    case 'flag':
      return call(native, context, FSCONFIG_SET_FLAG, key, null, 0);
    case 'string':
      return call(native, context, FSCONFIG_SET_STRING, key, Buffer.from(`${parameter.value}\0`), 0);
    default:
      return call(native, context, FSCONFIG_SET_FD, key, null, parameter.value);
  }
}

function describe(parameter: FsParameter): string {
  if ('command' in parameter) return parameter.command;
  return parameter.set === 'flag' ? parameter.key : `${parameter.key}=${parameter.value}`;
}

function contextError(syscall: string, errno: number, context: number, what?: string): LinuxError {
  const { name, text } = errnoName(errno);
  const messages = readFsMessages(context);
  return new LinuxError(name, syscall, [text, ...messages].join('; '), { errno, path: what });
}

/** Each message begins with its level: `e `, `w ` or `i `. */
function withoutLevel(message: string): string {
  return /^[ewi] /.test(message) ? message.slice(2) : message;
}

const ATTRIBUTE_BITS = { readOnly: 0x01, noSuid: 0x02, noDev: 0x04, noExec: 0x08, noSymlinks: 0x20_0000 } as const;

// These numbers are the same on every processor.
const nativeFsopen = systemCall(430, 'const uint8_t *type, uint flags');
const nativeFsconfig = systemCall(431, 'int context, uint command, const uint8_t *key, const uint8_t *value, int aux');
const nativeFsmount = systemCall(432, 'int context, uint flags, uint attributes');

const EPERM = 1;
const EINVAL = 22;
const FSOPEN_CLOEXEC = 1;
const UNKNOWN_FLAG = 0x4000_0000;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_SET_FD = 5;
const COMMAND = { create: 6, reconfigure: 7 } as const;
/** The kernel keeps eight. */
const MOST_MESSAGES = 64;

import { resolve } from 'node:path';
import { UsageError } from '@cfskit/cli-kit';

/** What an image can be made into. */
export type DestinationKind = 'squashfs' | 'tar' | 'dir' | 'erofs' | 'dumpfile';

/** Where the result of a conversion goes. */
export interface Destination {
  readonly kind: DestinationKind;
  /** As it was typed, for the result. */
  readonly text: string;
  /** Absolute; undefined is standard output. */
  readonly path: string | undefined;
}

/** How a destination is written, by its kind. */
const FORMS: Readonly<Record<DestinationKind, string>> = {
  squashfs: 'squashfs:FILE',
  tar: 'tar:FILE',
  dir: 'dir:PATH',
  erofs: 'erofs:FILE',
  dumpfile: 'dumpfile:FILE',
};

/** Kinds that go to standard output as `-`. The others are not written from front to back. */
const STREAMS: ReadonlySet<DestinationKind> = new Set(['tar', 'dumpfile']);

/** How the help describes a destination. */
export const DESTINATION_TEXT: string = `What to make: ${Object.values(FORMS).join(', ')}; tar:- and dumpfile:- are standard output`;

/**
 * Understand a destination as it was typed. Nothing is opened.
 *
 * @throws {UsageError}
 */
export function parseDestinationPath(text: string, cwd: string): Destination {
  const colon = text.indexOf(':');
  const kind = text.slice(0, Math.max(0, colon));
  const path = text.slice(colon + 1);
  if (!isKind(kind)) throw new UsageError(`DEST: wanted ${Object.values(FORMS).join(', ')}, found '${text}'`);
  if (path === '') throw new UsageError(`DEST: wanted ${FORMS[kind]}, found no path`);
  return destination(kind, path, cwd, text);
}

/**
 * The same where kind and path were told apart by options.
 *
 * @throws {UsageError}
 */
export function destination(kind: DestinationKind, path: string, cwd: string, text = `${kind}:${path}`): Destination {
  if (path !== '-') return { kind, text, path: resolve(cwd, path) };
  if (!STREAMS.has(kind)) throw new UsageError(`${text}: cannot be written to standard output; ./- is a file of this name`);
  return { kind, text, path: undefined };
}

function isKind(text: string): text is DestinationKind {
  return Object.hasOwn(FORMS, text);
}

import { printableName } from '@cfskit/cli-kit';
import { escapeField, type DifferentField, type MissingPath } from '@cfskit/fs-tree';
import { pathBytes } from '../image-path.ts';
import { nameJson } from '../listed-entry.ts';
import { formatTime } from '../time.ts';
import type { Difference } from './comparison.ts';

/** A field that two trees or images have in common, with a value that differs. */
export type FieldDifference = Exclude<Difference, MissingPath>;

/** A difference as a line: `- path`, `+ path`, or `~ path: field wanted found`. */
export function differenceLine(difference: Difference): string {
  switch (difference.kind) {
    case 'only-in-a':
      return `- ${printableName(pathBytes(difference.path))}`;
    case 'only-in-b':
      return `+ ${printableName(pathBytes(difference.path))}`;
    case 'image':
      return `~ /: ${difference.field} ${difference.a} ${difference.b}`;
    default: {
      const { a, b } = valuesOf(difference);
      return `~ ${printableName(pathBytes(difference.path))}: ${fieldText(difference)} ${escapeField(a)} ${escapeField(b)}`;
    }
  }
}

/** A path that only one tree has, as JSON. */
export function missingJson({ path, node }: MissingPath): unknown {
  return { ...nameJson(pathBytes(path), 'path', 'bytes'), type: node.kind };
}

/** A difference of a field as JSON. A value that is no UTF-8 is there in base64, in `a_bytes` or `b_bytes`. */
export function fieldJson(difference: FieldDifference): unknown {
  if (difference.kind === 'image') return { path: '/', field: difference.field, a: difference.a, b: difference.b };
  const { path, field, name } = difference;
  const { a, b } = valuesOf(difference);
  return {
    ...nameJson(pathBytes(path), 'path', 'bytes'),
    field,
    ...(name !== undefined && nameJson(pathBytes(name), 'name', 'name_bytes')),
    ...(a !== undefined && nameJson(pathBytes(a), 'a', 'a_bytes')),
    ...(b !== undefined && nameJson(pathBytes(b), 'b', 'b_bytes')),
  };
}

/** Times are told as everywhere else. */
function valuesOf({ field, nodes, a, b }: DifferentField): { readonly a: string | undefined; readonly b: string | undefined } {
  return field === 'mtime' ? { a: formatTime(nodes.a.stat.mtime), b: formatTime(nodes.b.stat.mtime) } : { a, b };
}

function fieldText({ field, name }: DifferentField): string {
  return name === undefined ? field : `${field}:${printableName(pathBytes(name))}`;
}

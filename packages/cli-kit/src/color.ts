import { styleText } from 'node:util';
import type { GlobalValues } from './global-options.ts';
import type { World } from './world.ts';

/** Puts a colour on a text, or leaves it alone. */
export type Paint = (color: 'red' | 'yellow', text: string) => string;

/**
 * Colours for standard error as `--color` says. They are for terminals only: `always` overrules `NO_COLOR` and
 * `TERM=dumb`, but puts no escape sequence into a file or pipe.
 */
export function choosePaint(color: GlobalValues['color'], world: Pick<World, 'stderr' | 'env'>): Paint {
  const wanted = color === 'always' || (color === 'auto' && (world.env['NO_COLOR'] ?? '') === '' && world.env['TERM'] !== 'dumb');
  if (!wanted || !world.stderr.isTerminal) return (_, text) => text;
  return (name, text) => styleText(name, text, { validateStream: false });
}

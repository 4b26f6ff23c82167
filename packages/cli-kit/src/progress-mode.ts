import type { GlobalValues } from './global-options.ts';
import type { World } from './world.ts';

/** How progress is shown. */
export type ProgressMode = 'bars' | 'plain' | 'json' | 'none';

/**
 * The mode that `--progress` and `-q` mean here. `auto` is bars on a terminal that can move its cursor, and plain lines
 * everywhere else, on build machines (`CI`) too. Bars asked for where there is no terminal are plain lines, so that no
 * escape sequence ever gets into a file.
 */
export function progressMode(values: Pick<GlobalValues, 'progress' | 'quiet'>, world: Pick<World, 'stderr' | 'env'>): ProgressMode {
  if (values.quiet) return 'none';
  const terminal = world.stderr.isTerminal && world.env['TERM'] !== 'dumb';
  switch (values.progress) {
    case 'auto':
      return terminal && !isSet(world.env['CI']) ? 'bars' : 'plain';
    case 'bars':
      return terminal ? 'bars' : 'plain';
    default:
      return values.progress;
  }
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false' && value !== '0';
}

import { InterruptedError, OutputClosedError, UsageError } from './errors.ts';

/** Exit codes every program of ours has. 128 + n for signal n comes on top. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** The section "Exit codes" of a help page where a command has nothing to add. */
export const usualExitCodes: readonly { readonly code: string; readonly meaning: string }[] = [
  { code: '0', meaning: 'done' },
  { code: '1', meaning: 'failed' },
  { code: '2', meaning: 'wrong usage; nothing was touched' },
  { code: '128+n', meaning: 'ended by signal n, after cleaning up (130 for ^C)' },
];

/**
 * The exit code an error ends the program with.
 *
 * @param dataCounts whether standard output carried data that somebody needs whole, so that a closed one is a failure
 */
export function exitCodeOf(error: unknown, options: { readonly dataCounts: boolean }): number {
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof InterruptedError) return 128 + error.signalNumber;
  if (error instanceof OutputClosedError) return options.dataCounts ? exitCodes.failed : exitCodes.done;
  return exitCodes.failed;
}

import type { ArgumentSpecs, ArgumentValues } from './argument.ts';
import type { CommandContext } from './context.ts';
import type { GlobalValues } from './global-options.ts';
import type { OptionSpecs, OptionValues } from './option.ts';

/** One line of the section "Exit codes" of a help page. */
export interface ExitCodeText {
  readonly code: string;
  readonly meaning: string;
}

/** What `run` gets: all option values, global ones included, and the arguments by their key. */
export interface Invocation<O extends OptionSpecs, A extends ArgumentSpecs> {
  readonly values: OptionValues<O> & GlobalValues;
  readonly args: ArgumentValues<A>;
}

/** The declaration of a command with the types of its options and arguments. */
export interface CommandDefinition<O extends OptionSpecs, A extends ArgumentSpecs> {
  /** One sentence without the full stop, for people. */
  readonly summary: string;
  /** More sentences for the help, below the synopsis. */
  readonly details?: string;
  readonly arguments?: A;
  readonly options?: O;
  /** Two examples: what comes after the program's name, and what it does. */
  readonly examples: readonly (readonly [commandLine: string, meaning: string])[];
  /** Meanings that differ from the usual ones. */
  readonly exitCodes?: readonly ExitCodeText[];
  /** False for a command that prints no result, or only raw data: the help then leaves `--json` out. */
  readonly json?: boolean;
  /** Does the work. Results go through the context, failures are thrown. A number is the exit code in place of 0. */
  readonly run: (invocation: Invocation<O, A>, context: CommandContext) => Promise<void> | Promise<number>;
}

/** A declared command, its types erased: what a program holds a list of. */
export interface Command {
  readonly summary: string;
  readonly details: string | undefined;
  readonly arguments: ArgumentSpecs;
  readonly options: OptionSpecs;
  readonly examples: readonly (readonly [commandLine: string, meaning: string])[];
  readonly exitCodes: readonly ExitCodeText[];
  readonly json: boolean;
  readonly run: (invocation: Invocation<OptionSpecs, ArgumentSpecs>, context: CommandContext) => Promise<void> | Promise<number>;
}

/** Declare a command. The types of `values` and `args` in `run` follow from the declarations. */
export function defineCommand<const O extends OptionSpecs = {}, const A extends ArgumentSpecs = {}>(
  definition: CommandDefinition<O, A>,
): Command {
  return {
    summary: definition.summary,
    details: definition.details,
    arguments: definition.arguments ?? {},
    options: definition.options ?? {},
    examples: definition.examples,
    exitCodes: definition.exitCodes ?? [],
    json: definition.json ?? true,
    run: definition.run as unknown as Command['run'], // the parser fills values and args from the very same declarations
  };
}

import type { Command } from './command.ts';

/** One command of a program. Its module is loaded when it is asked for, not before. */
export interface CommandEntry {
  /** All names, the usual one first: `['oci pull', 'pull']`. */
  readonly names: readonly string[];
  readonly load: () => Promise<Command>;
}

/** A program: commands under names, or a single command without one. */
export interface Program {
  readonly name: string;
  readonly version: string;
  /** One sentence without the full stop. */
  readonly summary: string;
  readonly commands: readonly CommandEntry[];
  /** Set instead of `commands` in a program that does one thing. */
  readonly command?: () => Promise<Command>;
  /** One sentence for each first word of names of two words. */
  readonly groups?: Readonly<Record<string, string>>;
  /** The sentence for something left out for good, or undefined. Gets the words and options as typed. */
  readonly leftOut?: (argv: readonly string[]) => string | undefined;
  /** What `--version --json` prints. */
  readonly about?: () => Readonly<Record<string, unknown>>;
  /** Codes of errors that the documentation of this program lists; others are reported as INTERNAL. */
  readonly errorCodes?: ReadonlySet<string>;
  /** What a user can do about an error, by its code: for people, so it is not in the JSON form. */
  readonly hints?: Readonly<Record<string, string>>;
}

/** The entry with this full name, if any. */
export function findCommand(program: Program, name: string): CommandEntry | undefined {
  return program.commands.find((entry) => entry.names.includes(name));
}

/** All names of all commands, in the order of declaration. */
export function commandNames(program: Program): string[] {
  return program.commands.flatMap((entry) => entry.names);
}

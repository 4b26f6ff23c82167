import { Command as Parser, CommanderError, InvalidArgumentError, Option } from 'commander';
import { argumentUsage, type ArgumentSpecs } from './argument.ts';
import { UsageError } from './errors.ts';
import { globalOptions } from './global-options.ts';
import { withImplied } from './implied-value.ts';
import { defaultValue, takesValue, type OptionSpec, type OptionSpecs } from './option.ts';

/** What a command line parsed to, before anything was done. */
export interface Parsed {
  readonly values: Record<string, boolean | number | string | readonly string[] | undefined>;
  readonly positionals: readonly string[];
}

/**
 * Cut a command line in front of its first word: what comes before are global options.
 *
 * @throws {UsageError} for an option that is not a global one.
 */
export function splitLeading(argv: readonly string[]): { readonly leading: string[]; readonly rest: string[] } {
  const parser = newParser(globalOptions, {});
  parser.enablePositionalOptions().passThroughOptions();
  const rest = runParser(parser, argv);
  const leading = argv.slice(0, argv.length - rest.length);
  return { leading: leading.at(-1) === '--' ? leading.slice(0, -1) : leading, rest };
}

/**
 * Parse what follows the command's name, with the command's own options and the global ones.
 *
 * @throws {UsageError} unknown option, missing or impossible value, options that exclude each other, refused options.
 */
export function parseOptions(options: OptionSpecs, argv: readonly string[]): Parsed {
  const all = { ...globalOptions, ...options };
  const values: Parsed['values'] = {};
  for (const [name, spec] of Object.entries(all)) values[name] = defaultValue(spec);
  const given = new Set<string>();
  const parser = newParser(all, values, given);
  const positionals = runParser(parser, withImplied(all, argv));
  checkRefused(all, given);
  checkConflicts(all, given);
  return { values, positionals };
}

/**
 * Give the positional texts their declared keys.
 *
 * @throws {UsageError} too few or too many.
 */
export function bindArguments(
  specs: ArgumentSpecs,
  positionals: readonly string[],
): Record<string, string | readonly string[] | undefined> {
  const bound: Record<string, string | readonly string[] | undefined> = {};
  let used = 0;
  for (const [key, spec] of Object.entries(specs)) {
    if (spec.variadic === true) {
      bound[key] = positionals.slice(used);
      if (positionals.length <= used && spec.optional !== true) throw new UsageError(`missing ${argumentUsage(spec)}`);
      used = Math.max(used, positionals.length);
      continue;
    }
    const text = positionals[used];
    if (text === undefined && spec.optional !== true) throw new UsageError(`missing ${spec.name}`);
    bound[key] = text;
    used++;
  }
  const extra = positionals[used];
  if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'`);
  return bound;
}

function newParser(specs: OptionSpecs, values: Parsed['values'], given: Set<string> = new Set()): Parser {
  const parser = new Parser('program').exitOverride().helpOption(false).helpCommand(false).argument('[words...]').allowExcessArguments();
  parser.configureOutput({ writeOut: ignore, writeErr: ignore, outputError: ignore });
  for (const [name, spec] of Object.entries(specs)) {
    parser.addOption(newOption(name, spec));
    parser.on(`option:${name}`, (text: string | null) => {
      given.add(name);
      values[name] = nextValue(spec, values[name], text);
    });
  }
  return parser;
}

function newOption(name: string, spec: OptionSpec): Option {
  const short = spec.short === undefined ? '' : `-${spec.short}, `;
  const option = new Option(`${short}--${name}${takesValue(spec) ? ` <${spec.value}>` : ''}`, spec.description);
  if (spec.refused !== undefined) option.hideHelp();
  if (spec.type === 'string' && spec.choices !== undefined) option.choices(spec.choices);
  if (spec.type === 'integer') option.argParser((text) => parseInteger(text, spec.min, spec.max));
  return option;
}

function nextValue(spec: OptionSpec, before: Parsed['values'][string], text: string | null): Parsed['values'][string] {
  switch (spec.type) {
    case 'boolean':
      return true;
    case 'count':
      return (typeof before === 'number' ? before : 0) + 1;
    case 'integer':
      return Number(text);
    default:
      return spec.multiple === true ? [...(Array.isArray(before) ? before : []), text ?? ''] : (text ?? '');
  }
}

function parseInteger(text: string, min: number, max: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
}

/** @returns the words */
function runParser(parser: Parser, argv: readonly string[]): string[] {
  try {
    parser.parse(argv, { from: 'user' });
    return parser.args;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new UsageError(usageMessage(error.message), { cause: error });
  }
}

/** `error: unknown option '--jsom'\n(Did you mean --json?)` as one line of ours. */
function usageMessage(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/\s*\n\(Did you mean (.*)\?\)$/, (_, names: string) => `; did you mean ${names.replace(/^one of /, '')}?`)
    .replace(/\.$/, '');
}

function checkRefused(specs: OptionSpecs, given: ReadonlySet<string>): void {
  for (const name of given) {
    const refused = specs[name]?.refused;
    if (refused !== undefined) throw new UsageError(`--${name}: ${refused}`);
  }
}

function checkConflicts(specs: OptionSpecs, given: ReadonlySet<string>): void {
  for (const name of given) {
    const other = specs[name]?.conflicts?.find((conflict) => given.has(conflict));
    if (other !== undefined) throw new UsageError(`--${name} and --${other} exclude each other`);
  }
}

function ignore(): void {}

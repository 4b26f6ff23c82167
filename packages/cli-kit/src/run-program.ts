import type { Command } from './command.ts';
import { choosePaint } from './color.ts';
import { createSession } from './context.ts';
import { CliError, InterruptedError, OutputClosedError, UsageError } from './errors.ts';
import { describeError, errorChain, formatErrorJson, formatErrorText } from './error-report.ts';
import { exitCodeOf, exitCodes } from './exit-code.ts';
import type { GlobalValues } from './global-options.ts';
import { commandHelp, programHelp } from './help.ts';
import { formatJson } from './json.ts';
import { bindArguments, parseOptions, splitLeading, type Parsed } from './parse.ts';
import { commandNames, findCommand, type Program } from './program.ts';
import { alternatives, nearest } from './suggest.ts';
import type { World } from './world.ts';

/** What a command line asks for: a text, or a command to run. */
type Call = { readonly kind: 'text'; readonly text: string } | CommandRun;
type CommandRun = { readonly kind: 'run'; readonly command: Command; readonly parsed: Parsed };

/**
 * Run a program once: parse, run the command, report what went wrong.
 *
 * Never throws: every failure becomes a message on standard error and an exit code, which is the answer.
 */
export async function runProgram(program: Program, argv: readonly string[], world: World): Promise<number> {
  try {
    const call = await resolveCall(program, argv, world);
    if (call.kind === 'run') return await runCommand(program, call, world, helpWords(program, argv));
    await world.stdout.write(call.text);
    return exitCodes.done;
  } catch (error) {
    const quiet = { json: wantsJson(argv), stack: false, dataCounts: false, color: 'auto' } as const;
    return fail(program, error, world, { ...quiet, helpFor: helpWords(program, argv) });
  }
}

async function runCommand(program: Program, { command, parsed }: CommandRun, world: World, helpFor: string): Promise<number> {
  const values = parsed.values as unknown as GlobalValues; // parsed from the declarations that GlobalValues is made of
  const args = bindArguments(command.arguments, parsed.positionals);
  if (values.json && !command.json) throw new UsageError('this command has no JSON form');
  const session = createSession(program.name, values, world);
  try {
    const code = await command.run({ values, args } as unknown as Parameters<Command['run']>[0], session.context);
    return code ?? exitCodes.done;
  } catch (error) {
    session.close();
    const json = values.json || values.progress === 'json';
    return fail(program, error, world, { json, stack: values.verbose > 1, dataCounts: session.dataCounts, color: values.color, helpFor });
  } finally {
    session.close();
  }
}

/** @throws {UsageError} */
async function resolveCall(program: Program, argv: readonly string[], world: World): Promise<Call> {
  if (program.command !== undefined) return commandCall(program, [], await program.command(), argv, world);
  const { leading, rest } = splitLeading(argv);
  const [word, ...after] = rest;
  if (word === undefined) return wordless(program, leading, world);
  if (word === 'help') return helpCall(program, after);
  if (program.groups?.[word] === undefined) return namedCall(program, word, [...leading, ...after], rest, world);
  const inner = splitLeading(after);
  const [second, ...innerAfter] = inner.rest;
  if (second === undefined) return wordless(program, [...leading, ...inner.leading], world, word);
  if (second === 'help') return { kind: 'text', text: await programHelp(program, word) };
  return namedCall(program, `${word} ${second}`, [...leading, ...inner.leading, ...innerAfter], [word, ...inner.rest], world);
}

async function namedCall(program: Program, name: string, argv: string[], words: readonly string[], world: World): Promise<Call> {
  const leftOut = program.leftOut?.(words);
  if (leftOut !== undefined) throw new UsageError(leftOut);
  const entry = findCommand(program, name);
  if (entry === undefined) throw unknownCommand(program, name);
  return commandCall(program, entry.names, await entry.load(), argv, world);
}

async function commandCall(
  program: Program,
  names: readonly string[],
  command: Command,
  argv: readonly string[],
  world: World,
): Promise<Call> {
  const parsed = parseOptions(command.options, argv);
  if (parsed.values['help'] === true) return { kind: 'text', text: commandHelp(program, names, command) };
  if (parsed.values['version'] === true) return { kind: 'text', text: versionText(program, parsed, world) };
  return { kind: 'run', command, parsed };
}

/** No command: `--help` and `--version` are fine, all else is not. */
async function wordless(program: Program, leading: readonly string[], world: World, group?: string): Promise<Call> {
  const parsed = parseOptions({}, leading);
  if (parsed.values['help'] === true) return { kind: 'text', text: await programHelp(program, group) };
  if (parsed.values['version'] === true) return { kind: 'text', text: versionText(program, parsed, world) };
  throw new UsageError(group === undefined ? 'missing COMMAND' : `missing COMMAND after '${group}'`);
}

async function helpCall(program: Program, words: readonly string[]): Promise<Call> {
  const names = words.filter((word) => !word.startsWith('-'));
  const [first] = names;
  if (first === undefined) return { kind: 'text', text: await programHelp(program) };
  if (names.length === 1 && program.groups?.[first] !== undefined) return { kind: 'text', text: await programHelp(program, first) };
  const name = names.join(' ');
  const entry = findCommand(program, name);
  if (entry === undefined) throw unknownCommand(program, name);
  return { kind: 'text', text: commandHelp(program, entry.names, await entry.load()) };
}

function unknownCommand(program: Program, name: string): UsageError {
  const near = nearest(name, commandNames(program), 3);
  return new UsageError(`unknown command '${name}'; did you mean ${alternatives(near)}?`);
}

function versionText(program: Program, parsed: Parsed, world: World): string {
  if (parsed.values['json'] !== true) return `${program.name} ${program.version}\n`;
  const about = { name: program.name, version: program.version, ...program.about?.() };
  return formatJson(about, { indent: world.stdout.isTerminal });
}

interface FailOptions {
  readonly json: boolean;
  readonly stack: boolean;
  readonly dataCounts: boolean;
  readonly color: GlobalValues['color'];
  readonly helpFor?: string;
}

/** Say what went wrong and find the exit code. */
function fail(program: Program, thrown: unknown, world: World, options: FailOptions): number {
  const error = endReason(thrown, world.signal);
  const code = exitCodeOf(error, options);
  if (!(error instanceof OutputClosedError)) world.stderr.write(failureText(program, error, world, options));
  return code;
}

function failureText(program: Program, error: unknown, world: World, options: FailOptions): string {
  const report = describeError(error, program.errorCodes === undefined ? {} : { knownCodes: program.errorCodes });
  if (options.json) return formatErrorJson(report);
  const text = formatErrorText(program.name, report, { paint: choosePaint(options.color, world), hint: program.hints?.[report.code] });
  if (error instanceof UsageError) return `${text}${pointer(program, options.helpFor)}`;
  if (options.stack) return `${text}${stackText(error)}`;
  return report.code === 'INTERNAL' ? `${text}  this is a bug; -vv shows where\n` : text;
}

/** After a signal every failure is the signal's doing, whatever form the abort took on its way up. */
function endReason(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof CliError && !(error instanceof OutputClosedError)) return error;
  return signal.aborted && signal.reason instanceof InterruptedError ? signal.reason : error;
}

function pointer(program: Program, helpFor: string | undefined): string {
  return `Try '${program.name} ${helpFor === undefined || helpFor === '' ? '' : `${helpFor} `}--help'.\n`;
}

function stackText(error: unknown): string {
  const stacks = errorChain(error).map((link) => (link instanceof Error ? (link.stack ?? link.message) : String(link)));
  return `${stacks.join('\ncaused by: ')}\n`;
}

/** Before parsing, or when it failed: whether errors are wanted as JSON. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const options = end === -1 ? argv : argv.slice(0, end);
  return options.some(
    (word, index) => word === '--json' || word === '--progress=json' || (word === 'json' && options[index - 1] === '--progress'),
  );
}

/** The command name on a command line, as far as it is one: for the pointer to its help. */
function helpWords(program: Program, argv: readonly string[]): string {
  const words = argv.filter((word) => !word.startsWith('-'));
  for (let start = 0; start < Math.min(words.length, 4); start++) {
    const two = `${words[start]} ${words[start + 1]}`;
    if (findCommand(program, two) !== undefined) return two;
    const one = words[start] ?? '';
    if (findCommand(program, one) !== undefined || program.groups?.[one] !== undefined) return one;
  }
  return '';
}

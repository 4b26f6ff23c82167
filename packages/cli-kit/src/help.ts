import { argumentUsage } from './argument.ts';
import type { Command } from './command.ts';
import { usualExitCodes } from './exit-code.ts';
import { globalOptions } from './global-options.ts';
import { defaultText, optionFlags, type OptionSpec, type OptionSpecs } from './option.ts';
import type { CommandEntry, Program } from './program.ts';

const WIDTH = 100;

/** The help page of one command: sentence, synopsis, arguments, options with defaults, examples, exit codes. */
export function commandHelp(program: Program, names: readonly string[], command: Command): string {
  const sections = [
    [`${command.summary}.`],
    synopsis(program, names, command),
    command.details === undefined ? [] : wrap(command.details, WIDTH),
    titled('Arguments:', argumentRows(command)),
    titled('Options:', optionRows(command.options)),
    titled('Global options:', optionRows(globalOptionsOf(command))),
    titled(
      'Examples:',
      command.examples.map(([line, meaning]) => [`${program.name} ${line}`.trimEnd(), meaning] as const),
    ),
    titled('Exit codes:', exitCodeRows(command)),
  ];
  return pageOf(sections);
}

/** The overview: every command with its sentence. With `group`, only those below that first word. */
export async function programHelp(program: Program, group?: string): Promise<string> {
  const entries = program.commands.filter(({ names }) => group === undefined || names.some((name) => name.startsWith(`${group} `)));
  const rows = await Promise.all(entries.map(async (entry) => [entryNames(entry, group), (await entry.load()).summary] as const));
  const summary = group === undefined ? program.summary : (program.groups?.[group] ?? program.summary);
  return pageOf([
    [`${summary}.`],
    [`Usage: ${program.name} [GLOBAL OPTIONS] ${group === undefined ? '' : `${group} `}COMMAND [OPTIONS] [ARGUMENTS]`],
    titled('Commands:', rows),
    titled('Global options:', optionRows(globalOptions)),
    [`'${program.name} help COMMAND' tells more about a command.`],
  ]);
}

/** The global options that mean something to this command. */
export function globalOptionsOf(command: Command): OptionSpecs {
  const own = Object.entries<OptionSpec>(globalOptions).filter(([name]) => !(name in command.options) && (command.json || name !== 'json'));
  return Object.fromEntries(own);
}

/** Exit codes of a command: its own meanings in place of the usual ones of the same code. */
export function exitCodeRows(command: Command): (readonly [string, string])[] {
  const own = new Map(command.exitCodes.map(({ code, meaning }) => [code, meaning]));
  return usualExitCodes.map(({ code, meaning }) => [code, own.get(code) ?? meaning] as const);
}

/** The lines `Usage: …`, one for each name. */
export function synopsis(program: Program, names: readonly string[], command: Command): string[] {
  const rest = [
    Object.keys(command.options).length === 0 ? '' : ' [OPTIONS]',
    ...Object.values(command.arguments).map((argument) => ` ${argumentUsage(argument)}`),
  ].join('');
  const all = names.length === 0 ? [''] : names.map((name) => ` ${name}`);
  return all.map((name, index) => `${index === 0 ? 'Usage:' : '      '} ${program.name}${name}${rest}`);
}

/** An option's sentence with its default. */
export function optionText(spec: OptionSpec): string {
  const fallback = defaultText(spec);
  return fallback === undefined ? spec.description : `${spec.description} (default: ${fallback})`;
}

function entryNames(entry: CommandEntry, group: string | undefined): string {
  const names = group === undefined ? entry.names : entry.names.filter((name) => name.startsWith(`${group} `));
  return names.join(', ');
}

function argumentRows(command: Command): (readonly [string, string])[] {
  return Object.values(command.arguments).map((argument) => [argumentUsage(argument), argument.description] as const);
}

function optionRows(options: OptionSpecs): (readonly [string, string])[] {
  return Object.entries(options)
    .filter(([, spec]) => spec.refused === undefined)
    .map(([name, spec]) => [`${spec.short === undefined ? '    ' : ''}${optionFlags(name, spec)}`, optionText(spec)] as const);
}

function titled(title: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const left = Math.min(34, Math.max(...rows.map(([term]) => term.length)));
  return [title, ...rows.flatMap(([term, text]) => row(term, text, left))];
}

function row(term: string, text: string, left: number): string[] {
  const lines = wrap(text, WIDTH - left - 4);
  const indent = ' '.repeat(left + 4);
  if (term.length > left) return [`  ${term}`, ...lines.map((line) => indent + line)];
  return lines.map((line, index) => (index === 0 ? `  ${term.padEnd(left)}  ${line}` : indent + line));
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function pageOf(sections: readonly (readonly string[])[]): string {
  const page = sections.filter((section) => section.length > 0).map((section) => section.join('\n'));
  return `${page.join('\n\n')}\n`;
}

import { argumentUsage } from './argument.ts';
import type { Command } from './command.ts';
import { globalOptions } from './global-options.ts';
import { exitCodeRows, globalOptionsOf, optionText, synopsis } from './help.ts';
import { optionFlags, type OptionSpecs } from './option.ts';
import type { Program } from './program.ts';

/** The reference of a program as Markdown: the same declarations as the help pages, in one document. */
export async function commandReference(program: Program): Promise<string> {
  const sections = await Promise.all(program.commands.map(async ({ names, load }) => commandSection(program, names, await load())));
  return [`## Global options\n\n${optionTable(globalOptions)}`, ...sections].join('\n');
}

function commandSection(program: Program, names: readonly string[], command: Command): string {
  const options = Object.keys(command.options).length === 0 ? [] : [optionTable(command.options)];
  const parts = [
    `## ${names[0]}`,
    `${command.summary}.`,
    fenced(synopsis(program, names, command)),
    ...(command.details === undefined ? [] : [command.details]),
    ...argumentList(command),
    ...options,
    ...('json' in globalOptionsOf(command) ? [] : ['Has no `--json`.']),
    fenced(command.examples.map(([line, meaning]) => `${program.name} ${line}    # ${meaning}`)),
    ...(command.exitCodes.length === 0 ? [] : [exitCodeTable(command)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function optionTable(options: OptionSpecs): string {
  const rows = Object.entries(options)
    .filter(([, spec]) => spec.refused === undefined)
    .map(([name, spec]) => `| \`${optionFlags(name, spec)}\` | ${cell(optionText(spec))} |`);
  return ['| option | meaning |', '|---|---|', ...rows, ''].join('\n');
}

function argumentList(command: Command): string[] {
  const rows = Object.values(command.arguments).map((argument) => `| \`${argumentUsage(argument)}\` | ${cell(argument.description)} |`);
  return rows.length === 0 ? [] : [['| argument | meaning |', '|---|---|', ...rows].join('\n')];
}

function exitCodeTable(command: Command): string {
  return ['| exit code | meaning |', '|---|---|', ...exitCodeRows(command).map(([code, meaning]) => `| ${code} | ${cell(meaning)} |`)].join(
    '\n',
  );
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function fenced(lines: readonly string[]): string {
  return ['```', ...lines, '```'].join('\n');
}

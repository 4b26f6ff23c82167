import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCase } from './case-layout.ts';
import { loadCases, type CaseOutcome, type FlattenCase } from './cases.ts';
import { ask, findTool, hasProgram, type Tool, type ToolAnswer } from './tools.ts';

const USAGE = `usage: flatten-suite write DIR        each case as an OCI layout DIR/NAME (tag "case"), with DIR/NAME.expected beside it
       flatten-suite run TOOL [NAME…]  umoci, buildah, skopeo, or a command line with {layout}, {tag} and {out}; as root
`;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function write(directory: string): Promise<void> {
  for (const one of loadCases()) {
    await writeCase(join(directory, one.name), one);
    writeFileSync(join(directory, `${one.name}.expected`), shown(one.expected), 'latin1');
  }
}

async function run(tool: Tool, names: readonly string[]): Promise<boolean> {
  if (!hasProgram(tool.program)) throw new Error(`${tool.program} is not on PATH`);
  // No capital letters: buildah takes them for a mistake in a name.
  const directory = join(tmpdir(), `flatten-suite-${randomBytes(6).toString('hex')}`);
  mkdirSync(directory);
  try {
    let failures = 0;
    const cases = loadCases().filter(({ name }) => names.length === 0 || names.includes(name));
    for (const [i, one] of cases.entries()) if (!(await runCase(tool, one, join(directory, String(i))))) failures++;
    print(`${tool.name}: ${cases.length - failures} of ${cases.length} as expected`);
    return failures === 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runCase(tool: Tool, one: FlattenCase, directory: string): Promise<boolean> {
  mkdirSync(directory);
  await writeCase(join(directory, 'layout'), one);
  const answer = ask(tool, join(directory, 'layout'), join(directory, 'work'));
  if (agrees(answer, one.expected)) return true;
  print(`--- ${one.name}${one.note === undefined ? '' : ` (${one.note})`}`);
  print(`expected:\n${shown(one.expected)}found:\n${'dump' in answer ? answer.dump : `error: ${answer.error}\n`}`);
  return false;
}

function agrees(answer: ToolAnswer, expected: CaseOutcome): boolean {
  return 'dump' in answer ? answer.dump === expected : typeof expected !== 'string';
}

function shown(outcome: CaseOutcome): string {
  return typeof outcome === 'string' ? outcome : 'error\n';
}

const [command, subject, ...names] = process.argv.slice(2);
if (command === 'write' && subject !== undefined) await write(subject);
else if (command === 'run' && subject !== undefined) process.exitCode = (await run(findTool(subject), names)) ? 0 : 1;
else {
  process.stderr.write(USAGE);
  process.exitCode = 2;
}

import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliError, InterruptedError } from '../src/errors.ts';
import { defineCommand, runProgram, type Program } from '../src/index.ts';
import { memoryWorld, type MemoryWorldOptions } from '../src/testing.ts';

const echo = defineCommand({
  summary: 'Print what it was given',
  arguments: { words: { name: 'WORD', description: 'Texts', variadic: true, optional: true } },
  options: {
    upper: { type: 'boolean', short: 'u', description: 'In capitals' },
    fail: { type: 'string', value: 'WHAT', choices: ['cli', 'bug', 'abort'], description: 'Fail instead' },
  },
  examples: [
    ['echo a b', 'print a and b'],
    ['echo -u a', 'print A'],
  ],
  async run({ values, args }, context) {
    if (values.fail === 'cli') throw new CliError('NOT_FOUND', 'no such word', { detail: { candidates: ['a', 'b'] } });
    if (values.fail === 'bug') throw new TypeError('x is not a function');
    if (values.fail === 'abort') throw new DOMException('This operation was aborted', 'AbortError');
    context.log.warn('about to print');
    context.reporter.report({ type: 'message', text: 'printing' });
    const words = values.upper ? args.words.map((word) => word.toUpperCase()) : args.words;
    await context.print({ json: () => ({ words }), text: () => words });
  },
});

const data = defineCommand({
  summary: 'Print data',
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', description: 'Write here' },
    broken: { type: 'boolean', description: 'Fail half way' },
  },
  examples: [
    ['data', 'print'],
    ['data -o x', 'write'],
  ],
  json: false,
  async run({ values }, context) {
    const target = context.dataTarget(values.output, { binary: true });
    await target.write(chunks(values.broken));
  },
});

async function* chunks(broken: boolean): AsyncGenerator<Uint8Array, void> {
  yield new TextEncoder().encode('one');
  if (broken) throw new CliError('MISMATCH', 'not what it was');
  yield new TextEncoder().encode('two');
}

const program: Program = {
  name: 'prog',
  version: '1.2.3',
  summary: 'A program',
  commands: [
    { names: ['oci echo', 'echo'], load: () => Promise.resolve(echo) },
    { names: ['data'], load: () => Promise.resolve(data) },
  ],
  groups: { oci: 'About images' },
  leftOut: (words) => (words[0] === 'ostree' ? 'ostree: not here' : undefined),
  about: () => ({ node: 'v1' }),
  errorCodes: new Set(),
};

async function run(argv: string[], options: MemoryWorldOptions = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  const memory = memoryWorld(options);
  const code = await runProgram(program, argv, memory.world);
  return { code, stdout: memory.stdout(), stderr: memory.stderr() };
}

describe('results', () => {
  it('are text on standard output, all else on standard error', async () => {
    expect(await run(['echo', 'a', 'b'])).toEqual({ code: 0, stdout: 'a\nb\n', stderr: 'prog: warning: about to print\nprinting\n' });
  });

  it('are JSON with --json, before or after the command, on one line in a pipe and indented on a terminal', async () => {
    expect(await run(['--json', 'echo', 'a'])).toMatchObject({ code: 0, stdout: '{"words":["a"]}\n' });
    expect(await run(['oci', '--json', 'echo', 'a'])).toMatchObject({ code: 0, stdout: '{"words":["a"]}\n' });
    expect(await run(['oci', 'echo', 'a', '--json'])).toMatchObject({ code: 0, stdout: '{"words":["a"]}\n' });
    const terminal = await run(['echo', 'a', '--json'], { stdoutIsTerminal: true });
    expect(terminal.stdout).toBe('{\n  "words": [\n    "a"\n  ]\n}\n');
  });

  it('say nothing else with -q', async () => {
    expect(await run(['echo', '-uq', 'a'])).toEqual({ code: 0, stdout: 'A\n', stderr: '' });
  });

  it('turn diagnostics into progress lines with --progress=json', async () => {
    const { stderr } = await run(['echo', '--progress=json', 'a']);
    expect(stderr).toBe('{"message":"prog: warning: about to print"}\n{"message":"printing"}\n');
  });

  it('end quietly with 0 when the reader has gone', async () => {
    expect(await run(['echo', '-q', 'abc'], { stdoutLimit: 1 })).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('data', () => {
  let dir = '';
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'data-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('goes to standard output', async () => {
    expect(await run(['data'])).toEqual({ code: 0, stdout: 'onetwo', stderr: '' });
    expect(await run(['data', '-o', '-'])).toEqual({ code: 0, stdout: 'onetwo', stderr: '' });
  });

  it('or to a file, which never keeps a part', async () => {
    expect(await run(['data', '-o', 'x', '--broken'], { cwd: dir })).toMatchObject({ code: 1, stdout: '' });
    expect(await readdir(dir)).toEqual([]);
    expect(await run(['data', '-o', 'x'], { cwd: dir })).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await readFile(join(dir, 'x'), 'utf8')).toBe('onetwo');
  });

  it('ends quietly with 1 when the reader has gone', async () => {
    expect(await run(['data'], { stdoutLimit: 4 })).toEqual({ code: 1, stdout: 'one', stderr: '' });
  });

  it('is refused on a terminal and together with JSON, with exit 2', async () => {
    const terminal = await run(['data'], { stdoutIsTerminal: true });
    expect(terminal).toMatchObject({ code: 2, stdout: '' });
    expect(terminal.stderr).toContain('-o FILE');
    expect(await run(['data', '--json'])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('errors', () => {
  it('are text with their facts', async () => {
    expect(await run(['echo', '--fail', 'cli'])).toEqual({ code: 1, stdout: '', stderr: 'prog: no such word\n  maybe  a, b\n' });
  });

  it('are one line of JSON with --json or --progress=json', async () => {
    const line = '{"error":{"code":"NOT_FOUND","message":"no such word","causes":[],"detail":{"candidates":["a","b"]}}}\n';
    expect(await run(['echo', '--json', '--fail=cli'])).toEqual({ code: 1, stdout: '', stderr: line });
    expect(await run(['echo', '--progress', 'json', '--fail=cli'])).toEqual({ code: 1, stdout: '', stderr: line });
  });

  it('have a stack only with -vv', async () => {
    const plain = await run(['echo', '--fail', 'bug']);
    expect(plain).toMatchObject({ code: 1, stderr: 'prog: x is not a function\n  this is a bug; -vv shows where\n' });
    expect((await run(['echo', '-vv', '--fail', 'bug'])).stderr).toContain('run-program.test.ts');
  });

  it('are the signal when there was one, whatever form the abort took', async () => {
    const signal = AbortSignal.abort(new InterruptedError('SIGINT', 2));
    expect(await run(['echo', '--fail', 'abort'], { signal })).toEqual({ code: 130, stdout: '', stderr: 'prog: interrupted by SIGINT\n' });
  });

  it('are coloured on a terminal only', async () => {
    const colours = ['echo', '--color=always', '-q', '--fail', 'cli'];
    expect((await run(colours)).stderr).not.toContain('\u001B');
    expect((await run(colours, { stderrIsTerminal: true })).stderr).toContain('\u001B[31mprog:');
    expect((await run(['echo', '-q', '--fail', 'cli'], { stderrIsTerminal: true, env: { NO_COLOR: '1' } })).stderr).not.toContain('\u001B');
  });
});

describe('wrong usage', () => {
  it.each([
    [[], "prog: missing COMMAND\nTry 'prog --help'.\n"],
    [['ecko'], "prog: unknown command 'ecko'; did you mean 'echo', 'data' or 'oci echo'?\nTry 'prog --help'.\n"],
    [['oci'], "prog: missing COMMAND after 'oci'\nTry 'prog oci --help'.\n"],
    [['oci', 'ech'], "prog: unknown command 'oci ech'; did you mean 'oci echo', 'echo' or 'data'?\nTry 'prog oci --help'.\n"],
    [['ostree', 'pull'], "prog: ostree: not here\nTry 'prog --help'.\n"],
    [['echo', '--uper'], "prog: unknown option '--uper'; did you mean --upper, --user?\nTry 'prog oci echo --help'.\n"],
    [['data', 'x'], "prog: unexpected argument 'x'\nTry 'prog data --help'.\n"],
    [['help', 'nope'], "prog: unknown command 'nope'; did you mean 'echo', 'data' or 'oci echo'?\nTry 'prog --help'.\n"],
  ])('%j is exit 2, one line and a pointer, nothing on standard output', async (argv, stderr) => {
    const result = await run(argv);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toBe(stderr.replace('prog oci echo --help', 'prog echo --help'));
  });

  it('is JSON when JSON was asked for', async () => {
    const { code, stderr } = await run(['echo', '--json', '--nope']);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'USAGE', message: "unknown option '--nope'" } });
  });
});

describe('help and version', () => {
  it('print to standard output and exit 0', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: 'prog 1.2.3\n', stderr: '' });
    expect(await run(['echo', '-V'])).toEqual({ code: 0, stdout: 'prog 1.2.3\n', stderr: '' });
    expect(await run(['--json', '--version'])).toEqual({ code: 0, stdout: '{"name":"prog","version":"1.2.3","node":"v1"}\n', stderr: '' });
  });

  it('has a page for each command, the same in every way of asking', async () => {
    const page = await run(['help', 'oci', 'echo']);
    expect(page.code).toBe(0);
    expect(page.stdout).toMatch(/^Print what it was given\.\n\nUsage: prog oci echo \[OPTIONS\] \[WORD\.\.\.\]\n {7}prog echo/);
    for (const part of ['Arguments:', 'Options:', '-u, --upper', 'Global options:', 'prog echo a b', 'Exit codes:', '128+n'])
      expect(page.stdout).toContain(part);
    for (const argv of [
      ['echo', '--help'],
      ['-h', 'echo'],
      ['oci', '--help', 'echo'],
      ['oci', 'echo', '-h', 'word'],
      ['help', 'echo'],
    ]) {
      expect(await run(argv)).toEqual(page);
    }
  });

  it('has an overview, and one for each group', async () => {
    const all = await run(['--help']);
    expect(all.stdout).toContain('oci echo, echo');
    expect(all.stdout).toContain('Print data');
    expect(await run(['help'])).toEqual(all);
    const group = await run(['oci', '--help']);
    expect(group.stdout).toMatch(/^About images\.\n/);
    expect(group.stdout).not.toContain('Print data');
    expect(await run(['help', 'oci'])).toEqual(group);
  });
});

it('runs a program of a single command', async () => {
  const memory = memoryWorld();
  const single: Program = { name: 'one', version: '1', summary: 'One', commands: [], command: () => Promise.resolve(echo) };
  expect(await runProgram(single, ['--json', 'x'], memory.world)).toBe(0);
  expect(memory.stdout()).toBe('{"words":["x"]}\n');
});

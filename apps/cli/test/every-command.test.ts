import { mkdir, readdir } from 'node:fs/promises';
import { commandReference, InterruptedError, runProgram } from '@cfskit/cli-kit';
import { memoryWorld, type MemoryWorldOptions } from '@cfskit/cli-kit/testing';
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorCodes } from '../src/error-codes.ts';
import { cfskit } from '../src/program.ts';
import { document, run, scratch } from './harness.ts';

const path = scratch();
const commands = await Promise.all(cfskit.commands.map(async ({ names, load }) => ({ name: names.at(0)!, names, command: await load() })));
const words = (name: string): string[] => name.split(' ');
/** Something for every argument that must be there. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  DIFF_ID: `sha256:${'0'.repeat(64)}`,
  ID: '0'.repeat(128),
  SOURCE: 'oci:/nonexistent',
  'tags NAME': 'No Such Name',
};
/** Commands that fail before they would look for a repository; those of pulling, sealing and extracting lack an option or argument here. */
const WITHOUT_REPOSITORY: ReadonlySet<string> = new Set(
  'fetch,copy,tags,manifest,login,logout,oci pull,oci seal,extract,convert,convert-squashfs,convert-tar,convert-dir,verify'.split(','),
);
/** A world in which nothing is asked of a registry, and nobody's credentials are touched. */
const examples = (): MemoryWorldOptions => ({
  cwd: path('empty'),
  env: { HOME: path('empty'), REGISTRY_AUTH_FILE: path('empty', 'auth.json') },
  signal: AbortSignal.abort(new InterruptedError('SIGINT', 2)),
});

beforeAll(() => mkdir(path('empty')));

describe.each(commands)('$name', ({ name, names, command }) => {
  it('has a help page on standard output under each of its names', async () => {
    const page = await run([...words(name), '--help']);
    expect(page).toMatchObject({ code: 0, stderr: '' });
    expect(page.stdout).toContain(`Usage: cfskit ${name}`);
    for (const other of names) {
      expect(await run(['help', ...words(other)])).toEqual(page);
      expect(await run(['-h', ...words(other)])).toEqual(page);
    }
  });

  it('has a sentence for each option and argument, and two examples that parse', async () => {
    for (const { description } of [...Object.values(command.options), ...Object.values(command.arguments)])
      expect(description).toMatch(/^[A-Z].*[^.]$/);
    expect(command.summary).toMatch(/^[A-Z].*[^.]$/);
    expect(command.examples).toHaveLength(2);
    for (const [line] of command.examples) {
      const argv = line.replace(/ [|<>].*/, '').split(' ');
      const { stderr } = await run(['--no-repo', ...argv.map((word) => word.replaceAll('…', ''))], examples());
      expect(stderr).not.toMatch(/unknown|missing|unexpected argument/);
    }
  });

  it('refuses an unknown option with exit 2, prints nothing and touches nothing', async () => {
    const ended = await run([...words(name), '--no-such-option', '--repo', path('empty', 'repo')]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^cfskit: unknown option '--no-such-option'.*\nTry 'cfskit .* --help'\.\n$/);
    expect(await readdir(path('empty'))).toEqual([]);
  });

  it('tells a failure in one line of JSON, with nothing on standard output', async () => {
    const given = Object.values(command.arguments).filter(({ optional }) => optional !== true);
    const args = given.map((argument) => ARGUMENTS[`${name} ${argument.name}`] ?? ARGUMENTS[argument.name] ?? 'x');
    const repo = name === 'init' ? '/dev/null/repo' : path('empty');
    const ended = await run([...words(name), ...args, '--repo', repo, '--json'], { stdin: [] });
    expect(ended.stdout).toBe('');
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
    const { error } = document('error', ended.stderr) as { error: { code: string } };
    const isUsage = !command.json || WITHOUT_REPOSITORY.has(name);
    expect(isUsage ? ['USAGE'] : ['METADATA_MISSING', 'SYSTEM']).toContain(error.code);
    expect(ended.code).toBe(isUsage ? 2 : 1);
    expect(errorCodes).toHaveProperty(error.code);
  });
});

describe('the program', () => {
  it('has an overview, versions, and the shape of the specification', async () => {
    const overview = await run(['--help']);
    for (const { name } of commands) expect(overview.stdout).toContain(`  ${name}`);
    expect((await run(['--version'])).stdout).toMatch(/^cfskit \d+\.\d+\.\d+\n$/);
    expect(document('version', (await run(['--version', '--json'])).stdout)).toEqual({
      name: 'cfskit',
      version: cfskit.version,
      node: process.version,
      formats: { erofs: [0, 1, 2], splitstream: ['current', 'old-header'] },
    });
  });

  it.each([
    [['ostree', 'pull', 'x'], 'ostree'],
    [['oci', 'prepare-boot', 'x'], 'oci prepare-boot'],
    [['compute-karg', '/'], 'compute-karg'],
    [['varlink'], 'varlink'],
    [['oci', 'varlink'], 'oci varlink'],
    [['setup-root'], 'setup-root'],
    [['fetch', 'http://example.org/repo', 'name'], 'fetch URL NAME'],
    [['mount', '--fuse', 'x', '/mnt'], 'mount --fuse'],
  ])('%j is left out for good', async (argv, what) => {
    const ended = await run(argv);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(`cfskit: ${what}: not part of this tool (boot and ostree integration); cfsctl has it\n`);
  });

  it.each([[['mont', 'x', '/mnt']], [['pul']], [['oci', 'imags']], [['object', 'sta']]])(
    '%j is unknown, with three names that are near',
    async (argv) => {
      const ended = await run(argv);
      expect(ended).toMatchObject({ code: 2, stdout: '' });
      expect(ended.stderr).toMatch(/unknown command '.*'; did you mean '[^']+', '[^']+' or '[^']+'\?\n/);
    },
  );

  it('finds what was meant', async () => {
    expect((await run(['pul'])).stderr).toContain("'pull'");
    expect((await run(['oci', 'imags'])).stderr).toContain("'oci images'");
    expect((await run(['object', 'sta'])).stderr).toContain("'object stat'");
  });

  it('takes global options in front, between and behind', async () => {
    const missing = path('empty');
    for (const argv of [
      ['--json', '-q', '--repo', missing, 'oci', 'images'],
      ['oci', '--repo', missing, '-q', 'images', '--json'],
      ['oci', 'images', `--repo=${missing}`, '--json', '-q'],
    ]) {
      const ended = await run(argv);
      expect(document('error', ended.stderr)).toMatchObject({ error: { code: 'METADATA_MISSING' } });
    }
  });

  it('reports --json errors for every way of asking', async () => {
    const memory = memoryWorld();
    expect(await runProgram(cfskit, ['--progress', 'json', 'gc', '--nope'], memory.world)).toBe(2);
    expect(document('error', memory.stderr())).toMatchObject({ error: { code: 'USAGE' } });
  });
});

const GUIDE = new URL('../../../docs/guide/cli.md', import.meta.url);
const CODES = new URL('../../../docs/guide/error-codes.md', import.meta.url);
const MARK = '<!-- The rest of this page is written by the program: UPDATE_DOCS=1 pnpm --filter @cfskit/cli test -->\n';

describe('the documentation', () => {
  it.each([
    ['docs/guide/cli.md', GUIDE, (): Promise<string> => commandReference(cfskit)],
    ['docs/guide/error-codes.md', CODES, (): Promise<string> => Promise.resolve(codeTable())],
  ])('%s is what the declarations say', async (_, url, write) => {
    const page = readFileSync(url, 'utf8');
    const [head = ''] = page.split(MARK);
    const wanted = `${head}${MARK}\n${await write()}`;
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(url, wanted);
    expect(readFileSync(url, 'utf8')).toBe(wanted);
  });
});

function codeTable(): string {
  const rows = Object.entries(errorCodes).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
  return ['| code | meaning |', '|---|---|', ...rows, ''].join('\n');
}

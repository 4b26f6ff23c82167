import { describe, expect, it } from 'vitest';
import { UsageError } from '../src/errors.ts';
import { bindArguments, parseOptions, splitLeading } from '../src/parse.ts';

const options = {
  'dry-run': { type: 'boolean', short: 'n', description: 'Change nothing' },
  root: { type: 'string', short: 'r', value: 'NAME', multiple: true, description: 'Keep' },
  output: { type: 'string', short: 'o', value: 'FILE', description: 'Write here' },
  jobs: { type: 'integer', value: 'N', min: 1, max: 64, description: 'At once' },
  'no-trunc': { type: 'boolean', description: 'Whole' },
  bootable: { type: 'boolean', description: 'Boot', refused: 'not here' },
} as const;

describe('splitLeading', () => {
  it.each([
    [[], [], []],
    [['gc'], [], ['gc']],
    [
      ['--repo', 'r', 'gc', '-n'],
      ['--repo', 'r'],
      ['gc', '-n'],
    ],
    [
      ['--repo=r', '-qv', 'gc', '--', '-x'],
      ['--repo=r', '-qv'],
      ['gc', '--', '-x'],
    ],
    [['--json', 'gc', '--json'], ['--json'], ['gc', '--json']],
    [['--', 'gc', '--json'], [], ['gc', '--json']],
    [['-q', '--', 'gc'], ['-q'], ['gc']],
  ])('%j', (argv, leading, rest) => {
    expect(splitLeading(argv)).toEqual({ leading, rest });
  });

  it('takes only global options', () => {
    expect(() => splitLeading(['--dry-run', 'gc'])).toThrow(UsageError);
  });
});

describe('parseOptions', () => {
  it('takes options and words in any order, and both forms of a value', () => {
    const { values, positionals } = parseOptions(options, ['a', '--output=x', 'b', '--jobs', '3', '-n']);
    expect(values).toMatchObject({ output: 'x', jobs: 3, 'dry-run': true });
    expect(positionals).toEqual(['a', 'b']);
  });

  it('combines short options, own and global ones', () => {
    expect(parseOptions(options, ['-nq']).values).toMatchObject({ 'dry-run': true, quiet: true });
    expect(parseOptions(options, ['-qnvv', '-rx', '-ry']).values).toMatchObject({
      'dry-run': true,
      quiet: true,
      verbose: 2,
      root: ['x', 'y'],
    });
    expect(parseOptions(options, ['-no', 'f']).values).toMatchObject({ 'dry-run': true, output: 'f' });
    expect(parseOptions(options, ['-nof']).values).toMatchObject({ 'dry-run': true, output: 'f' });
  });

  it('takes what follows an option that needs a value, whatever it looks like', () => {
    expect(parseOptions(options, ['-o', '--json']).values).toMatchObject({ output: '--json', json: false });
    expect(parseOptions(options, ['-o', '-']).values).toMatchObject({ output: '-' });
  });

  it.each([
    [['--verify', 'a'], 'yes', ['a']],
    [['a', '--verify'], 'yes', ['a']],
    [['--verify=no', 'a'], 'no', ['a']],
    [['--verify', 'no', 'a'], 'no', ['a']],
    [['--', '--verify'], 'yes', ['--verify']],
  ])('lets a value that is implied be left out: %j', (argv, verify, words) => {
    const optional = {
      verify: { type: 'string', value: 'WORD', choices: ['yes', 'no'], default: 'yes', implied: 'yes', description: 'x' },
    } as const;
    const { values, positionals } = parseOptions({ ...options, ...optional }, argv);
    expect([values['verify'], positionals]).toEqual([verify, words]);
  });

  it.each([[['-o', '--verify']], [['-no', '--verify']], [['--output', '--verify']]])(
    'takes it for a value where one is wanted: %j',
    (argv) => {
      const optional = { verify: { type: 'string', value: 'WORD', implied: 'yes', description: 'x' } } as const;
      expect(parseOptions({ ...options, ...optional }, argv).values).toMatchObject({ output: '--verify', verify: undefined });
    },
  );

  it('ends options at --', () => {
    const { values, positionals } = parseOptions(options, ['-n', '--', '--json', '-x', '--']);
    expect(values).toMatchObject({ 'dry-run': true, json: false });
    expect(positionals).toEqual(['--json', '-x', '--']);
  });

  it('has defaults', () => {
    expect(parseOptions(options, []).values).toMatchObject({
      'dry-run': false,
      root: [],
      output: undefined,
      jobs: undefined,
      progress: 'auto',
      verbose: 0,
    });
  });

  it('keeps --no-repo and --repo apart', () => {
    expect(parseOptions(options, ['--no-repo']).values).toMatchObject({ repo: undefined, 'no-repo': true });
    expect(parseOptions(options, ['--repo', 'x', '--no-trunc']).values).toMatchObject({ repo: 'x', 'no-repo': false, 'no-trunc': true });
  });

  it.each([
    [['--jsom'], "unknown option '--jsom'; did you mean --json?"],
    [['-x'], "unknown option '-x'"],
    [['-nx'], "unknown option '-x'"],
    [['--output'], "option '-o, --output <FILE>' argument missing"],
    [['--dry-run=yes'], "unknown option '--dry-run=yes'"],
    [['--jobs', '0'], "option '--jobs <N>' argument '0' is invalid. Expected a whole number from 1 to 64"],
    [['--jobs', '1e1'], "option '--jobs <N>' argument '1e1' is invalid. Expected a whole number from 1 to 64"],
    [['--hash', 'md5'], "option '--hash <NAME>' argument 'md5' is invalid. Allowed choices are sha256, sha512"],
    [['--repo', 'a', '--user'], '--repo and --user exclude each other'],
    [['--user', '--system'], '--user and --system exclude each other'],
    [['--system', '--repo=x'], '--repo and --system exclude each other'],
    [['--bootable'], '--bootable: not here'],
  ])('refuses %j', (argv, message) => {
    expect(() => parseOptions(options, argv)).toThrow(new UsageError(message));
  });
});

describe('bindArguments', () => {
  const pull = { source: { name: 'SOURCE', description: 's' }, name: { name: 'NAME', description: 'n', optional: true } } as const;
  const many = { ids: { name: 'ID', description: 'i', variadic: true } } as const;

  it('gives texts their keys', () => {
    expect(bindArguments(pull, ['a'])).toEqual({ source: 'a', name: undefined });
    expect(bindArguments(pull, ['a', 'b'])).toEqual({ source: 'a', name: 'b' });
    expect(bindArguments(many, ['a', 'b'])).toEqual({ ids: ['a', 'b'] });
    expect(bindArguments({ ids: { ...many.ids, optional: true } }, [])).toEqual({ ids: [] });
  });

  it.each([
    [pull, [], 'missing SOURCE'],
    [many, [], 'missing ID...'],
    [pull, ['a', 'b', 'c'], "unexpected argument 'c'"],
    [{}, ['a'], "unexpected argument 'a'"],
  ])('refuses the wrong number: %#', (specs, words, message) => {
    expect(() => bindArguments(specs, words)).toThrow(new UsageError(message));
  });
});

import { describe, expect, it } from 'vitest';
import { UsageError } from '../src/errors.ts';
import { chooseLogLevel, createLog, type LogLevel } from '../src/log.ts';

it.each([
  [undefined, 0, {}, 'warn'],
  [undefined, 1, {}, 'info'],
  [undefined, 2, {}, 'debug'],
  [undefined, 9, {}, 'debug'],
  ['error', 2, {}, 'error'],
  [undefined, 0, { CFSKIT_LOG: 'debug' }, 'debug'],
  [undefined, 0, { RUST_LOG: 'INFO' }, 'info'],
  [undefined, 0, { RUST_LOG: 'off' }, 'off'],
  [undefined, 0, { RUST_LOG: 'composefs=trace' }, 'warn'],
  [undefined, 0, { CFSKIT_LOG: '', RUST_LOG: 'debug' }, 'debug'],
  ['error', 0, { CFSKIT_LOG: 'bogus' }, 'error'],
  [undefined, 0, { CFSKIT_LOG: 'error', RUST_LOG: 'debug' }, 'error'],
  [undefined, 1, { CFSKIT_LOG: 'error' }, 'info'],
] as const)('--log %s, %i times -v, %j is %s', (log, verbose, env, level) => {
  expect(chooseLogLevel({ log, verbose, env })).toBe(level);
});

it.each(['bogus', 'composefs=trace'])('CFSKIT_LOG=%s is wrong usage that names the levels', (level) => {
  const choose = (): LogLevel => chooseLogLevel({ log: undefined, verbose: 0, env: { CFSKIT_LOG: level } });
  expect(choose).toThrow(UsageError);
  expect(choose).toThrow(`CFSKIT_LOG: wanted off, error, warn, info, debug or trace, found '${level}'`);
});

function said(level: LogLevel): string[] {
  const lines: string[] = [];
  const log = createLog(
    level,
    (line) => void lines.push(line),
    'prog',
    (_, text) => text,
  );
  log.warn('w\n');
  log.info('i');
  log.debug('d');
  return lines;
}

describe('createLog', () => {
  it.each([
    ['off', []],
    ['error', []],
    ['warn', ['prog: warning: w\\x0a']],
    ['info', ['prog: warning: w\\x0a', 'prog: i']],
    ['debug', ['prog: warning: w\\x0a', 'prog: i', 'prog: debug: d']],
    ['trace', ['prog: warning: w\\x0a', 'prog: i', 'prog: debug: d']],
  ] as const)('%s', (level, lines) => {
    expect(said(level)).toEqual(lines);
  });
});

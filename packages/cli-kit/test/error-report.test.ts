import { describe, expect, it } from 'vitest';
import { describeError, formatErrorJson, formatErrorText } from '../src/error-report.ts';
import { UsageError } from '../src/errors.ts';

class LayerError extends Error {
  readonly code = 'LAYER_FAILED';
  readonly context = { source: 'oci:/tmp/x', layer: { index: 1, diffId: 'sha256:aa' } };
}
class DigestError extends Error {
  readonly code = 'DIGEST_MISMATCH';
  readonly expected = 'sha256:6b1f';
  readonly actual = 'sha256:0e77';
  readonly size = 12n;
  readonly bytes = new Uint8Array(3);
}
const system = Object.assign(new Error("ENOSPC: no space left on device, write 'x'"), {
  code: 'ENOSPC',
  errno: -28,
  syscall: 'write',
  path: 'x',
});
const known = new Set(['LAYER_FAILED', 'DIGEST_MISMATCH']);

describe('describeError', () => {
  it('tells the most specific code, all messages and all fields', () => {
    const error = new LayerError('layer 2 of x', { cause: new DigestError('digest mismatch') });
    expect(describeError(error, { knownCodes: known })).toEqual({
      code: 'DIGEST_MISMATCH',
      message: 'layer 2 of x',
      causes: ['digest mismatch'],
      detail: {
        source: 'oci:/tmp/x',
        layer: { index: 1, diffId: 'sha256:aa' },
        expected: 'sha256:6b1f',
        actual: 'sha256:0e77',
        size: '12',
      },
    });
  });

  it('prefers a listed code to that of the operating system, and keeps both', () => {
    const report = describeError(new LayerError('layer 2', { cause: system }), { knownCodes: known });
    expect(report).toMatchObject({ code: 'LAYER_FAILED', detail: { errno: 'ENOSPC', syscall: 'write', path: 'x' } });
    expect(describeError(system, { knownCodes: known }).code).toBe('SYSTEM');
  });

  it.each([[new TypeError('x is not a function')], [Object.assign(new Error('x'), { code: 'SOMETHING_NEW' })], ['just text'], [undefined]])(
    'calls everything else internal: %s',
    (error) => {
      expect(describeError(error, { knownCodes: known }).code).toBe('INTERNAL');
    },
  );

  it('does not say twice what a message above says already', () => {
    const error = new Error('outer: inner', { cause: new Error('inner', { cause: new Error('root') }) });
    expect(describeError(error)).toMatchObject({ message: 'outer: inner', causes: ['root'] });
  });

  it('ends at a loop of causes', () => {
    const error = new Error('round');
    error.cause = new Error('and round', { cause: error });
    expect(describeError(error).causes).toEqual(['and round']);
  });
});

describe('text', () => {
  it('has a line for each fact', () => {
    const error = new LayerError('layer 2 of x', { cause: new DigestError('digest mismatch') });
    expect(formatErrorText('cfskit', describeError(error))).toBe(
      'cfskit: layer 2 of x\n  cause  digest mismatch\n  wanted sha256:6b1f\n  found  sha256:0e77\n  source oci:/tmp/x\n',
    );
  });

  it('ends with what can be done about it', () => {
    const text = formatErrorText('cfskit', describeError(new Error('no login')), { hint: 'log in first' });
    expect(text).toBe('cfskit: no login\n  hint   log in first\n');
  });

  it('lets no control character through', () => {
    const text = formatErrorText('cfskit', describeError(new Error('no tag \u001B[2J\n x')));
    expect(text).toBe('cfskit: no tag \\x1b[2J\\x0a x\n');
  });
});

it('is one line of JSON', () => {
  const line = formatErrorJson(describeError(new UsageError('missing SOURCE', { cause: new Error('parser') })));
  expect(line).toBe('{"error":{"code":"USAGE","message":"missing SOURCE","causes":[],"detail":{}}}\n');
});

import { describe, expect, it } from 'vitest';
import { describeError, LinuxError, reviveError, TransferredError } from '../src/index.ts';

class CodedError extends Error {
  static {
    this.prototype.name = 'CodedError';
  }
  readonly code = 'CODED';
  readonly details: unknown;

  constructor(message: string, details: unknown, options?: ErrorOptions) {
    super(message, options);
    this.details = details;
  }
}

/** What a message port does with it. */
function sent(error: unknown): Error {
  return reviveError(structuredClone(describeError(error)), [CodedError, RangeError]);
}

describe('an error that crosses threads', () => {
  it('keeps class, fields, stack and causes', () => {
    const root = new RangeError('too far');
    const original = new CodedError('no good', { at: 5n }, { cause: root });
    const arrived = sent(original);
    expect(arrived).toBeInstanceOf(CodedError);
    expect(arrived).toMatchObject({ name: 'CodedError', message: 'no good', code: 'CODED', details: { at: 5n } });
    expect(arrived.stack).toBe(original.stack);
    expect(arrived.cause).toBeInstanceOf(RangeError);
    expect(arrived.cause).toMatchObject({ message: 'too far' });
  });

  it('is an Error with name and fields where its class is not known', () => {
    const arrived = sent(new LinuxError('EBADF', 'flock', 'bad file descriptor', { errno: 9 }));
    expect(arrived).not.toBeInstanceOf(LinuxError);
    expect(arrived).toMatchObject({ name: 'LinuxError', code: 'EBADF', syscall: 'flock', errno: -9 });
  });

  it('loses only what cannot be cloned', () => {
    expect(sent(new CodedError('odd', () => 'a function'))).toMatchObject({ details: expect.stringContaining('a function') as unknown });
  });

  it('may be any thrown value', () => {
    expect(sent('just text')).toMatchObject({ name: 'Error', message: 'just text' });
    expect(sent(undefined).message).toBe('undefined');
  });

  it('arrives as it was after a second journey', () => {
    const relayed = new TransferredError(structuredClone(describeError(new CodedError('far', 1))));
    expect(sent(relayed)).toMatchObject({ name: 'CodedError', message: 'far', details: 1 });
  });
});

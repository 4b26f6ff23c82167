/** Codes of the errors that come from the command line itself, not from the work it starts. */
export type CliErrorCode = 'USAGE' | 'NOT_FOUND' | 'PROBLEMS_FOUND' | 'MISMATCH' | 'UNSUPPORTED' | 'INTERRUPTED' | 'OUTPUT_CLOSED';

/** A command failed for a reason of its own. `detail` goes into the JSON form of the message as it is. */
export class CliError extends Error {
  static {
    this.prototype.name = 'CliError';
  }
  readonly code: CliErrorCode;
  readonly detail: Readonly<Record<string, unknown>> | undefined;

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions & { readonly detail?: Readonly<Record<string, unknown>> }) {
    super(message, options);
    this.code = code;
    this.detail = options?.detail;
  }
}

/** The command line was wrong: exit 2, nothing was touched, one line and a pointer to `--help`. */
export class UsageError extends CliError {
  static {
    this.prototype.name = 'UsageError';
  }

  constructor(message: string, options?: ErrorOptions) {
    super('USAGE', message, options);
  }
}

/** A signal ended the program: the reason of the world's abort signal. Exit 128 + `signalNumber`. */
export class InterruptedError extends CliError {
  static {
    this.prototype.name = 'InterruptedError';
  }
  readonly signalNumber: number;

  constructor(signalName: string, signalNumber: number) {
    super('INTERRUPTED', `interrupted by ${signalName}`);
    this.signalNumber = signalNumber;
  }
}

/** Whoever read our standard output has gone (`| head`). Ends the program without a word. */
export class OutputClosedError extends CliError {
  static {
    this.prototype.name = 'OutputClosedError';
  }

  constructor(options?: ErrorOptions) {
    super('OUTPUT_CLOSED', 'standard output was closed', options);
  }
}

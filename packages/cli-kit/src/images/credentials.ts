import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { readPassword } from './password.ts';

/** Credentials as they were given on the command line. */
export interface GivenCredentials {
  readonly username: string;
  readonly password: string;
}

/** Values of the options that give credentials. */
export interface CredentialValues {
  readonly creds: string | undefined;
  readonly 'password-stdin': boolean;
}

/**
 * The credentials that were given, if any. Reads the password, if it comes on standard input.
 *
 * @param option the one that `values.creds` comes from, for messages
 * @throws {UsageError} options that do not fit together
 */
export async function givenCredentials(
  { creds, 'password-stdin': fromInput }: CredentialValues,
  context: CommandContext,
  option = '--creds',
): Promise<GivenCredentials | undefined> {
  if (creds === undefined) {
    if (fromInput) throw new UsageError(`--password-stdin: wanted ${option} USER beside it`);
    return undefined;
  }
  const colon = creds.indexOf(':');
  const username = colon < 0 ? creds : creds.slice(0, colon);
  if (username === '') throw new UsageError(`${option}: the user name is empty`);
  if (colon >= 0 && fromInput) throw new UsageError(`--password-stdin: ${option} has a password already`);
  if (colon < 0 && !fromInput) throw new UsageError(`${option}: wanted USER:PASSWORD, or the password on standard input`);
  return { username, password: fromInput ? await readPassword(context) : creds.slice(colon + 1) };
}

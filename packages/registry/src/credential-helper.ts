import { spawn } from 'node:child_process';
import { dockerHub } from '@cfskit/oci-ref';
import type { Credentials, PasswordCredentials } from './credentials.ts';
import { CredentialError, hasCode } from './errors.ts';
import { oneLine } from './foreign-text.ts';
import type { Environment } from './proxy.ts';

/** A helper program and how it is run. */
export interface HelperCall {
  /** What follows `docker-credential-`. */
  readonly helper: string;
  /** `host[:port]`; Docker Hub is `docker.io`. */
  readonly registry: string;
  readonly env: Environment;
  readonly signal?: AbortSignal;
  /** 30 seconds if not said. */
  readonly timeoutMs?: number;
}

const MAX_OUTPUT = 1024 * 1024;
const TIMEOUT_MS = 30_000;

/** A user name that says that the secret is an identity token. */
const TOKEN_USER = '<token>';

/** What a helper keeps for a registry; undefined if nothing. */
export async function getFromHelper(call: HelperCall): Promise<Credentials | undefined> {
  const outcome = await runHelper(call, 'get', serverOf(call.registry));
  if (outcome.status !== 0) {
    if (/credentials not found/i.test(outcome.stdout)) return undefined;
    throw failed(call, 'get', outcome.status === null ? '' : outcome.stdout);
  }
  const answer = parseAnswer(outcome.stdout);
  if (answer === undefined) throw failed(call, 'get', ''); // not quoted: it may be half a secret
  const { username, password } = answer;
  return username === TOKEN_USER ? { identityToken: password } : answer;
}

/** Give credentials to a helper to keep. */
export async function storeInHelper(call: HelperCall, { username, password }: PasswordCredentials): Promise<void> {
  const input = JSON.stringify({ ServerURL: serverOf(call.registry), Username: username, Secret: password });
  const { status } = await runHelper(call, 'store', input);
  if (status !== 0) throw failed(call, 'store', ''); // what it says may repeat what it was given
}

/** Have a helper forget a registry. */
export async function eraseFromHelper(call: HelperCall): Promise<void> {
  const { status, stdout } = await runHelper(call, 'erase', serverOf(call.registry));
  if (status !== 0) throw failed(call, 'erase', stdout);
}

/** The servers that a helper keeps something for. */
export async function listInHelper(call: Omit<HelperCall, 'registry'>): Promise<readonly string[]> {
  const { status, stdout } = await runHelper({ ...call, registry: '' }, 'list', '');
  if (status !== 0) throw failed({ ...call, registry: '' }, 'list', stdout);
  try {
    const answer: unknown = JSON.parse(stdout);
    return typeof answer === 'object' && answer !== null ? Object.keys(answer) : [];
  } catch {
    throw failed({ ...call, registry: '' }, 'list', '');
  }
}

/** Docker Hub is kept under the address that Docker logs in at. */
function serverOf(registry: string): string {
  return registry === dockerHub.hostname ? dockerHub.loginKey : registry;
}

function parseAnswer(text: string): PasswordCredentials | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { Username: username, Secret: password } = value as Readonly<Record<string, unknown>>;
  return typeof username === 'string' && typeof password === 'string' ? { username, password } : undefined;
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
}

async function runHelper(call: HelperCall, action: string, input: string): Promise<Outcome> {
  if (!/^[A-Za-z0-9._-]+$/.test(call.helper)) {
    throw new CredentialError('INVALID_HELPER', `wanted the name of a credential helper, found ${oneLine(call.helper)}`);
  }
  call.signal?.throwIfAborted();
  const program = programOf(call);
  const timeout = AbortSignal.timeout(call.timeoutMs ?? TIMEOUT_MS);
  const signal = call.signal === undefined ? timeout : AbortSignal.any([timeout, call.signal]);
  try {
    return await run(program, action, input, call.env, signal);
  } catch (cause) {
    call.signal?.throwIfAborted();
    if (timeout.aborted) throw new CredentialError('HELPER_TIMEOUT', `${program} ${action} did not answer`, program);
    if (hasCode(cause, 'ENOENT', 'EACCES')) {
      throw new CredentialError(
        'HELPER_NOT_FOUND',
        `${program}, which keeps the credentials for ${call.registry}, is not on PATH`,
        program,
        { cause },
      );
    }
    throw cause;
  }
}

/** No shell: the name goes to the system as it is. */
function run(program: string, action: string, input: string, env: Environment, signal: AbortSignal): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const child = spawn(program, [action], { env, signal, killSignal: 'SIGKILL', stdio: ['pipe', 'pipe', 'ignore'], windowsHide: true });
  const chunks: Buffer[] = [];
  let size = 0;
  // A helper may be a script: what it has started holds the pipe open until that is cut.
  const stop = (): void => {
    child.stdout.destroy();
    child.kill('SIGKILL');
  };
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size <= MAX_OUTPUT) chunks.push(chunk);
    else stop();
  });
  child.stdin.on('error', () => undefined); // a helper need not read what it is told
  child.on('error', (error) => {
    stop();
    reject(error);
  });
  child.on('close', (status) => resolve({ status, stdout: size > MAX_OUTPUT ? '' : Buffer.concat(chunks).toString('utf8') }));
  child.stdin.end(input);
  return promise;
}

function failed(call: HelperCall, action: string, output: string): CredentialError {
  const program = programOf(call);
  const said = output === '' || output.includes('{') ? '' : `: ${oneLine(output)}`;
  const what = call.registry === '' ? '' : ` for ${call.registry}`;
  return new CredentialError('HELPER_FAILED', `${program} ${action} failed${what}${said}`, program);
}

function programOf({ helper }: HelperCall): string {
  return `docker-credential-${helper}`;
}

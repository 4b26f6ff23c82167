import { defineCommand, UsageError, type Command, type CommandContext } from '@cfskit/cli-kit';
import { readPassword, readValue, transportOptions } from '@cfskit/cli-kit/access';
import { login as store, parseRegistry, RegistryClient, type PasswordCredentials } from '@cfskit/registry';
import { authFilePlaces, transportAccess } from '../registry-access.ts';

export const login: Command = defineCommand({
  summary: 'Keep credentials for a registry, once the registry has accepted them',
  details:
    "They go to the credential file of containers' tools, which only you can read then, or to the helper program that the file names. Nobody is asked for anything: name and password must be given.",
  arguments: { registry: { name: 'REGISTRY', description: 'HOST[:PORT]; docker.io for Docker Hub' } },
  options: {
    username: { type: 'string', short: 'u', value: 'NAME', description: 'User name' },
    password: {
      type: 'string',
      short: 'p',
      value: 'PASSWORD',
      description: 'Password, which other users of this machine can see while the program runs',
      conflicts: ['password-stdin'],
    },
    'password-stdin': { type: 'boolean', description: 'Take the password from standard input' },
    ...transportOptions,
    authfile: {
      ...transportOptions.authfile,
      description: 'Credential file to write',
      defaultText: 'REGISTRY_AUTH_FILE, else that of the user',
    },
  },
  examples: [
    ['login -u me --password-stdin ghcr.io < token', 'the password is in no list of processes'],
    ['login localhost:5000 -u me -p secret --authfile auth.json --tls-verify=false', 'a registry on this machine'],
  ],
  async run({ values, args }, context) {
    const registry = readValue('REGISTRY', () => parseRegistry(args.registry));
    const credentials = await givenLogin(values, context);
    const client = new RegistryClient({ ...transportAccess(values, context), credentials: () => Promise.resolve(credentials) });
    try {
      await client.authenticate(registry, { signal: context.signal });
    } finally {
      await client.close();
    }
    const stored = await store(registry, credentials, { ...authFilePlaces(values.authfile, context), signal: context.signal });
    await context.print({
      json: () => ({ registry: stored.registry, authfile: stored.authFile }),
      text: () => ['Login succeeded'],
    });
  },
});

interface LoginValues {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly 'password-stdin': boolean;
}

async function givenLogin(
  { username, password, 'password-stdin': fromInput }: LoginValues,
  context: CommandContext,
): Promise<PasswordCredentials> {
  if (username === undefined || username === '') throw new UsageError('missing --username NAME');
  if (username.includes(':')) throw new UsageError('--username: wanted a name without colon');
  if (fromInput) return { username, password: await readPassword(context) };
  if (password === undefined || password === '') throw new UsageError('missing --password-stdin or --password PASSWORD');
  return { username, password };
}

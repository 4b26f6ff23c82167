import { defineCommand, printable, UsageError, type Command } from '@cfskit/cli-kit';
import { readValue, transportOptions } from '@cfskit/cli-kit/access';
import { logout as forget, logoutAll, parseRegistry, type LoginOptions } from '@cfskit/registry';
import { authFilePlaces } from '../registry-access.ts';

export const logout: Command = defineCommand({
  summary: 'Forget the credentials for a registry',
  details: 'Only the one credential file that login writes is changed, or the helper program that it names is told.',
  arguments: { registry: { name: 'REGISTRY', description: 'HOST[:PORT]; docker.io for Docker Hub', optional: true } },
  options: {
    all: { type: 'boolean', description: 'Forget the credentials for all registries' },
    authfile: {
      ...transportOptions.authfile,
      description: 'Credential file to change',
      defaultText: 'REGISTRY_AUTH_FILE, else that of the user',
    },
  },
  examples: [
    ['logout ghcr.io', 'one registry'],
    ['logout --all --authfile auth.json', 'all that this file has'],
  ],
  async run({ values, args }, context) {
    if (values.all === (args.registry !== undefined))
      throw new UsageError(values.all ? '--all and REGISTRY exclude each other' : 'missing REGISTRY or --all');
    const options: LoginOptions = { ...authFilePlaces(values.authfile, context), signal: context.signal };
    const removed = args.registry === undefined ? await logoutAll(options) : [await forgetOne(args.registry, options)];
    await context.print({
      json: () => ({ removed }),
      text: () => removed.map((registry) => `Removed login for ${printable(registry)}`),
    });
  },
});

async function forgetOne(text: string, options: LoginOptions): Promise<string> {
  const registry = readValue('REGISTRY', () => parseRegistry(text));
  return (await forget(registry, options)).registry;
}

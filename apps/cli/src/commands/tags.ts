import { defineCommand, printable, UsageError, type Command } from '@cfskit/cli-kit';
import { accessOptions, readValue } from '@cfskit/cli-kit/access';
import { formatRegistryName, parseRegistryName, type RegistryName } from '@cfskit/oci-ref';
import { RegistryClient } from '@cfskit/registry';
import { registryAccess } from '../registry-access.ts';

export const tags: Command = defineCommand({
  summary: 'List the tags of a name in a registry, in the order of the registry',
  details: 'No repository is needed. Mirrors are not asked.',
  arguments: { name: { name: 'NAME', description: 'Name in a registry without tag, as HOST/NAME or docker://HOST/NAME' } },
  options: accessOptions,
  examples: [
    ['tags alpine', 'docker.io/library/alpine, with the credentials of the usual files'],
    ['tags docker://localhost:5000/team/app --creds me --password-stdin < secret', 'with credentials for this once'],
  ],
  async run({ values, args }, context) {
    const name = parseName(args.name);
    const registry = await registryAccess(values, { transport: 'registry', name: formatRegistryName(name) }, context);
    const client = new RegistryClient(registry);
    try {
      const listed = client.listTags(name, { signal: context.signal });
      await context.print({
        json: async () => ({ name: formatRegistryName(name), tags: await Array.fromAsync(listed) }),
        text: () => printed(listed),
      });
    } finally {
      await client.close();
    }
  },
});

async function* printed(listed: AsyncIterable<string>): AsyncGenerator<string, void> {
  for await (const tag of listed) yield printable(tag);
}

function parseName(text: string): RegistryName {
  const name = readValue('NAME', () => parseRegistryName(text.replace(/^(?:docker:\/\/|registry:)/, '')));
  if (name.tag === undefined && name.digest === undefined) return name;
  throw new UsageError(`NAME: wanted a name without tag and digest, found '${text}'`);
}

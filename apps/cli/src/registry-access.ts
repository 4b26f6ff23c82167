import { resolve } from 'node:path';
import { UsageError, type CommandContext, type OptionValues } from '@cfskit/cli-kit';
import { givenCredentials, readValue, type accessOptions, type transportOptions } from '@cfskit/cli-kit/access';
import { dockerHub, parseRegistryName, registryOf, type ImageReference } from '@cfskit/oci-ref';
import { anonymous, credentialFiles, credentialsFor } from '@cfskit/registry';
import type { AuthFilePlaces, CredentialProvider, PasswordCredentials, RegistryClientOptions, RegistryOptions } from '@cfskit/registry';

/** Values of the options that say how a registry is reached. */
export type AccessValues = OptionValues<typeof accessOptions>;

/**
 * What a client for the registry in a reference is made with. Reads the password, if it comes on standard input; connects to nothing.
 *
 * @param credsOption the option that `values.creds` comes from, for messages
 * @throws {UsageError} options that do not fit together, or do not fit the reference
 */
export async function registryAccess(
  values: AccessValues,
  reference: ImageReference,
  context: CommandContext,
  credsOption = '--creds',
): Promise<RegistryClientOptions> {
  const given = await givenCredentials(values, context, credsOption);
  if (given !== undefined && reference.transport !== 'registry') {
    throw new UsageError(`${credsOption}: wanted an image in a registry, found ${reference.transport}:${reference.name}`);
  }
  const mirrors = values['registry-mirror'].map(parseMirror);
  const transport = transportAccess(values, context);
  return {
    ...transport,
    credentials: given === undefined ? storedCredentials(values, context) : only(reference, given),
    defaults: { ...transport.defaults, mirrors: mirrors.map(({ place }) => place) },
    registries: Object.fromEntries(mirrors.filter(({ isPlain }) => isPlain).map(({ host }) => [host, { plainHttp: 'always' }])),
  };
}

/** What a client is made with besides credentials. */
export function transportAccess(
  values: Pick<OptionValues<typeof transportOptions>, 'tls-verify' | 'cert-dir'>,
  { world, log }: CommandContext,
): Omit<RegistryClientOptions, 'defaults'> & { readonly defaults: RegistryOptions } {
  const certDir = values['cert-dir'];
  return {
    env: world.env,
    onWarning: (text) => log.warn(text),
    defaults: {
      ...(values['tls-verify'] === 'false' && { skipTlsVerify: true, plainHttp: 'fallback' }),
      ...(certDir !== undefined && { certDir: resolve(world.cwd, certDir) }),
    },
  };
}

/** Where credential files are in this world. */
export function authFilePlaces(authfile: string | undefined, { world }: CommandContext): AuthFilePlaces {
  const home = world.env['HOME'];
  return {
    env: world.env,
    ...(authfile !== undefined && { authFile: resolve(world.cwd, authfile) }),
    ...(home !== undefined && home !== '' && { home }),
  };
}

function storedCredentials(values: AccessValues, context: CommandContext): CredentialProvider {
  return values['no-creds'] ? anonymous : credentialFiles(authFilePlaces(values.authfile, context));
}

function only({ name }: ImageReference, credentials: PasswordCredentials): CredentialProvider {
  return credentialsFor({ [registryOf(parseRegistryName(name))]: credentials });
}

interface Mirror {
  /** As a client takes it: `host[:port][/prefix]`. */
  readonly place: string;
  readonly host: string;
  /** Typed with `http://`. */
  readonly isPlain: boolean;
}

function parseMirror(text: string): Mirror {
  const place = text.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const host = readValue('--registry-mirror', () => registryOf(parseRegistryName(`${place}/x/y`)));
  if (host === dockerHub.hostname && !place.split('/').at(0)!.endsWith(dockerHub.hostname)) {
    throw new UsageError(`--registry-mirror: wanted HOST[:PORT][/PREFIX], found '${text}'`);
  }
  return { place, host, isPlain: text.startsWith('http://') };
}

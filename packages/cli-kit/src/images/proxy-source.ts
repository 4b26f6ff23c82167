import type { SkopeoImage } from '@cfskit/image-proxy';
import type { ImageReference } from '@cfskit/oci-ref';
import { resolve } from 'node:path';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import type { OptionValues } from '../option.ts';
import type { accessOptions } from './access-options.ts';
import { givenCredentials } from './credentials.ts';

const skopeo = { type: 'string', value: 'PATH', description: 'The program skopeo', defaultText: 'skopeo on PATH' } as const;

/** Where skopeo is. */
export const proxyOptions: { readonly skopeo: typeof skopeo } = { skopeo };

/** Values of the options that say how an image is reached through skopeo. */
export type ProxyValues = OptionValues<
  Pick<typeof accessOptions, 'authfile' | 'creds' | 'password-stdin' | 'no-creds' | 'tls-verify' | 'cert-dir'>
> &
  OptionValues<typeof proxyOptions>;

/** The ways through skopeo; see `openImageProxy`. */
export type ProxyWay = 'auto' | 'packet' | 'ipc' | 'staging';

/**
 * Use an image through skopeo, and end skopeo whatever happens. Reads the password, if it comes on standard input.
 *
 * @throws {UsageError} credentials that do not fit. {ImageProxyError} SKOPEO_MISSING, and what `use` throws
 */
export async function withProxySource<T>(
  reference: ImageReference,
  way: ProxyWay,
  values: ProxyValues,
  context: CommandContext,
  use: (source: SkopeoImage) => Promise<T>,
): Promise<T> {
  const { world, log } = context;
  const given = await givenCredentials(values, context);
  if (given !== undefined && reference.transport !== 'registry') {
    throw new UsageError(`--creds: wanted an image in a registry, found ${reference.transport}:${reference.name}`);
  }
  const absolute = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(world.cwd, path));
  const { openImageProxy } = await import('@cfskit/image-proxy'); // most pulls do without
  const source = openImageProxy(reference, {
    via: way,
    skopeo: values.skopeo,
    cwd: world.cwd,
    env: world.env,
    authfile: absolute(values.authfile),
    creds: given && `${given.username}:${given.password}`,
    noCreds: values['no-creds'],
    tlsVerify: values['tls-verify'] === 'false' ? false : undefined, // else the registries' configuration decides
    certDir: absolute(values['cert-dir']),
    onWarning: (text) => log.warn(text),
  });
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

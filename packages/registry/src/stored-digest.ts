import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { oneLine, publicUrl } from './foreign-text.ts';
import type { Answer } from './redirect.ts';

/** @throws {RegistryError} DIGEST_HEADER if the registry says that it stored something else */
export function checkStored({ response, url }: Answer, digest: string, { host: registry, repository }: Endpoint): void {
  const stored = response.headers['docker-content-digest'];
  if (stored === undefined || stored === digest) return;
  const message = `the registry says that it stored ${oneLine(stored)}, not ${digest}: ${publicUrl(url)}`;
  throw new RegistryError('DIGEST_HEADER', message, { registry, repository, url: publicUrl(url), digest });
}

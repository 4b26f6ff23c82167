import { UsageError } from '@cfskit/cli-kit';
import { readValue } from '@cfskit/cli-kit/images';
import { parseRegistryName, registryOf } from '@cfskit/oci-ref';

/**
 * A registry as people type it: `ghcr.io`, `https://ghcr.io/`, `localhost:5000`, `docker.io`.
 *
 * @returns `host[:port]`
 * @throws {UsageError}
 */
export function readRegistry(text: string): string {
  const host = text.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  const name = readValue('REGISTRY', () => parseRegistryName(`${host}/x/y`));
  if (name.name === 'x/y') return registryOf(name);
  throw new UsageError(`REGISTRY: wanted a registry such as ghcr.io or localhost:5000, found '${text}'`);
}

import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { hasCode } from './errors.ts';
import type { RegistryOptions } from './registry-options.ts';

/** What a TLS connection is set up with; absent members leave Node's defaults. */
export interface TlsSettings {
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Where containers' tools and Docker keep certificates, in directories named `host[:port]`. */
export function defaultCertDirs(home: string = homedir()): readonly string[] {
  return [join(home, '.config/containers/certs.d'), '/etc/containers/certs.d', '/etc/docker/certs.d'];
}

/**
 * What is to be used for a host: from its options, and from directories named after it. Authorities found are added to those that Node
 * knows (`NODE_EXTRA_CA_CERTS` and `--use-system-ca` included), never put in their place.
 */
export async function tlsSettingsFor(host: string, options: RegistryOptions, certDirs: readonly string[]): Promise<TlsSettings> {
  const directories = [...certDirs.map((directory) => join(directory, host)), ...(options.certDir === undefined ? [] : [options.certDir])];
  const found = await Promise.all(directories.map(readCertDir));
  const own = options.ca === undefined ? [] : typeof options.ca === 'string' ? [options.ca] : options.ca;
  const ca = [...own, ...found.flatMap((directory) => directory.ca)];
  const client = options.cert === undefined ? found.find(({ cert }) => cert !== undefined) : options;
  return {
    ...(ca.length > 0 && { ca: [...getCACertificates('default'), ...ca] }),
    ...(client?.cert !== undefined && { cert: client.cert }),
    ...(client?.key !== undefined && { key: client.key }),
    ...(options.skipTlsVerify === true && { rejectUnauthorized: false }),
  };
}

interface CertDir {
  readonly ca: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

async function readCertDir(directory: string): Promise<CertDir> {
  const names = await listed(directory);
  const read = async (name: string): Promise<string> => await readFile(join(directory, name), 'utf8');
  const ca = await Promise.all(names.filter((name) => name.endsWith('.crt')).map(read));
  const cert = names.find((name) => name.endsWith('.cert') && names.includes(`${name.slice(0, -5)}.key`));
  if (cert === undefined) return { ca };
  return { ca, cert: await read(cert), key: await read(`${cert.slice(0, -5)}.key`) };
}

async function listed(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).toSorted();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EINVAL')) return [];
    throw error;
  }
}

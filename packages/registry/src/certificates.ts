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

/** Options for a host: whom to trust there, and who to be. */
export interface HostOptions {
  readonly trust: RegistryOptions;
  /** Its client certificate is shown. One that is meant for other hosts has no business here. */
  readonly identity: Pick<RegistryOptions, 'cert' | 'key' | 'certDir'>;
}

/**
 * What is to be used for a host: from its options, and from directories named after it. Authorities found are added to those that Node
 * knows (`NODE_EXTRA_CA_CERTS` and `--use-system-ca` included), never put in their place.
 */
export async function tlsSettingsFor(host: string, { trust, identity }: HostOptions, certDirs: readonly string[]): Promise<TlsSettings> {
  const ofHost = await Promise.all(certDirs.map((directory) => readCertDir(join(directory, host))));
  const given = trust.certDir === undefined ? [] : [await readCertDir(trust.certDir)];
  const own = trust.ca === undefined ? [] : typeof trust.ca === 'string' ? [trust.ca] : trust.ca;
  const ca = [...own, ...[...ofHost, ...given].flatMap((directory) => directory.ca)];
  const client = identity.cert === undefined ? clientOf([...ofHost, ...(identity.certDir === undefined ? [] : given)]) : identity;
  return {
    ...(ca.length > 0 && { ca: [...getCACertificates('default'), ...ca] }),
    ...(client?.cert !== undefined && { cert: client.cert }),
    ...(client?.key !== undefined && { key: client.key }),
    ...(trust.skipTlsVerify === true && { rejectUnauthorized: false }),
  };
}

function clientOf(directories: readonly CertDir[]): CertDir | undefined {
  return directories.find(({ cert }) => cert !== undefined);
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

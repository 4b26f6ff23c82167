import { isIP, BlockList } from 'node:net';
import { isLoopback } from './address.ts';
import { RegistryError } from './errors.ts';

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a URL, as Go programs and curl choose it: `HTTPS_PROXY` or `HTTP_PROXY` by scheme, lower case as well, unless `NO_PROXY`
 * names the host. Never for this machine itself.
 *
 * `NO_PROXY` holds hosts (their subdomains included), `.domain` (subdomains only), `host:port`, addresses, `10.0.0.0/8`, or `*`.
 *
 * @throws {RegistryError} CONNECTION if the variable holds no URL of a proxy; its value is not told, for it may hold a password
 */
export function proxyFor(url: URL, env: Environment): string | undefined {
  const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = read(env, variable);
  // On a web server HTTP_PROXY may be a header of the request, "Proxy:".
  if (value === undefined || isLoopback(url) || (variable === 'HTTP_PROXY' && env['REQUEST_METHOD'] !== undefined)) return undefined;
  if (isExcluded(url, read(env, 'NO_PROXY') ?? '')) return undefined;
  const proxy = URL.parse(value.includes('://') ? value : `http://${value}`);
  if (proxy !== null && ['http:', 'https:', 'socks5:'].includes(proxy.protocol) && proxy.hostname !== '') return proxy.href;
  throw new RegistryError('CONNECTION', `wanted the URL of an http, https or socks5 proxy in ${variable}, found something else`);
}

function read(env: Environment, name: string): string | undefined {
  const value = env[name] ?? env[name.toLowerCase()];
  return value === undefined || value === '' ? undefined : value;
}

function isExcluded(url: URL, list: string): boolean {
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== '');
  return entries.some((entry) => entry === '*' || matches(url, entry.toLowerCase()));
}

function matches(url: URL, entry: string): boolean {
  const { host, port } = splitPort(entry);
  if (port !== undefined && port !== effectivePort(url)) return false;
  const name = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (host.includes('/')) return isInSubnet(name, host);
  if (isIP(host) !== 0 || isIP(name) !== 0) return name === host;
  const domain = host.replace(/^\*?\./, '');
  return (name === domain && host === domain) || name.endsWith(`.${domain}`);
}

function splitPort(entry: string): { readonly host: string; readonly port?: string } {
  const match = /^(?:\[(.+)\]|([^:]+))(?::([0-9]+))?$/.exec(entry);
  if (match === null) return { host: entry };
  return { host: match[1] ?? match[2]!, ...(match[3] !== undefined && { port: match[3] }) };
}

function effectivePort({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port;
}

function isInSubnet(address: string, subnet: string): boolean {
  const [network = '', bits = ''] = subnet.split('/');
  const version = isIP(network);
  if (isIP(address) !== version || version === 0 || !/^[0-9]{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128)) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(address, family);
}

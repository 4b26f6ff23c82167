import { BlockList, isIP } from 'node:net';

/** What an address literal in a URL is; `name` for host names, of which nothing is known without asking. */
export type AddressKind = 'name' | 'loopback' | 'link-local' | 'private' | 'unspecified' | 'public';

type Special = Exclude<AddressKind, 'name' | 'public'>;

const SUBNETS: readonly (readonly [kind: Special, address: string, bits: number])[] = [
  ['unspecified', '0.0.0.0', 8],
  ['unspecified', '::', 128],
  ['loopback', '127.0.0.0', 8],
  ['loopback', '::1', 128],
  ['link-local', '169.254.0.0', 16],
  ['link-local', 'fe80::', 10],
  ['private', '10.0.0.0', 8],
  ['private', '172.16.0.0', 12],
  ['private', '192.168.0.0', 16],
  ['private', '100.64.0.0', 10],
  ['private', 'fc00::', 7],
];

/** Judge the host of a URL. URL parsing has already turned `0x7f.1` and the like into dotted form. */
export function addressKind({ hostname }: URL): AddressKind {
  if (hostname === 'localhost') return 'loopback';
  const address = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  const version = isIP(address);
  if (version === 0) return 'name';
  const family = version === 4 ? 'ipv4' : 'ipv6';
  return SUBNETS.find((subnet) => contains(subnet, address, family))?.[0] ?? 'public';
}

/** Exactly `localhost`, `127.0.0.0/8` and `[::1]`: where requests do not leave the machine. */
export function isLoopback(url: URL): boolean {
  return addressKind(url) === 'loopback';
}

// BlockList also sees through IPv4 addresses that are written as IPv6, such as ::ffff:127.0.0.1.
function contains([, subnet, bits]: (typeof SUBNETS)[number], address: string, family: 'ipv4' | 'ipv6'): boolean {
  const list = new BlockList();
  list.addSubnet(subnet, bits, isIP(subnet) === 4 ? 'ipv4' : 'ipv6');
  return list.check(address, family);
}

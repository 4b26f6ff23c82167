import { addressKind } from './address.ts';
import { RegistryError } from './errors.ts';
import { oneLine, publicUrl } from './foreign-text.ts';

/** Whom a token is asked of, and on whose word. */
export interface RealmRequest {
  /** As the challenge has it. */
  readonly realm: string;
  /** The registry that sent the challenge. */
  readonly registry: URL;
  /** Whether a password or token would be sent there. */
  readonly withCredentials: boolean;
  /** `host` or `host:port` that the user trusts with this registry's credentials. */
  readonly trusted: readonly string[];
}

/**
 * Whether a token may be asked of `realm`. A registry names its token server itself, so this is where a malicious or compromised one, or
 * somebody on the line, would have credentials sent to themselves, or have requests made inside our network.
 *
 * Never: other schemes than https, or plain http from a registry reached by https; addresses of this machine, its link or a private network unless
 * the registry is there itself. With credentials only: the registry's own origin; over https its own host on another port, or one of
 * the same site; what the user trusts. The reasons are in docs/decisions/registry-credentials.md.
 *
 * @throws {RegistryError} REALM_REFUSED
 */
export function checkRealm(request: RealmRequest): URL {
  const realm = parseRealm(request);
  const trusted = request.trusted.includes(realm.host);
  if (!isSchemeAllowed(realm, request.registry)) throw refused(request, realm, 'is not encrypted');
  if (!trusted && !isAddressAllowed(realm, request.registry)) throw refused(request, realm, 'is an address inside this network');
  if (request.withCredentials && !trusted && !isOwnRealm(realm, request.registry)) {
    throw refused(request, realm, 'is of another site, which must not get the credentials; list its host as a trusted realm if it should');
  }
  return realm;
}

function parseRealm(request: RealmRequest): URL {
  const realm = URL.parse(request.realm);
  const place = { registry: request.registry.host };
  if (realm === null || (realm.protocol !== 'https:' && realm.protocol !== 'http:') || realm.hostname === '') {
    throw new RegistryError('REALM_REFUSED', `wanted an https URL as realm of ${place.registry}, found ${oneLine(request.realm)}`, place);
  }
  if (realm.username !== '' || realm.password !== '') {
    throw new RegistryError('REALM_REFUSED', `the realm of ${place.registry} holds a user name: ${publicUrl(realm)}`, place);
  }
  realm.hash = '';
  return realm;
}

function isSchemeAllowed(realm: URL, registry: URL): boolean {
  return realm.protocol === 'https:' || registry.protocol === 'http:';
}

function isAddressAllowed(realm: URL, registry: URL): boolean {
  const kind = addressKind(realm);
  return kind === 'name' || kind === 'public' || realm.hostname === registry.hostname;
}

function isOwnRealm(realm: URL, registry: URL): boolean {
  if (realm.origin === registry.origin) return true;
  // On another port of this machine, or without encryption, there may be anybody.
  if (realm.protocol !== 'https:' || registry.protocol !== 'https:' || addressKind(realm) === 'loopback') return false;
  return realm.hostname === registry.hostname || (hasDefaultPort(realm) && isSameSite(realm.hostname, registry.hostname));
}

function hasDefaultPort(url: URL): boolean {
  return url.port === '';
}

/** Domains below which anybody can have a host. Not complete: it narrows what the rule of {@link isSameSite} would let through. */
const SHARED_DOMAINS: ReadonlySet<string> = new Set([
  'amazonaws.com',
  'appspot.com',
  'azurecr.io',
  'azurewebsites.net',
  'cloudapp.net',
  'cloudfront.net',
  'duckdns.org',
  'fly.dev',
  'github.io',
  'gitlab.io',
  'googleapis.com',
  'herokuapp.com',
  'jfrog.io',
  'netlify.app',
  'ngrok-free.app',
  'ngrok.io',
  'onrender.com',
  'pages.dev',
  'run.app',
  'trycloudflare.com',
  'vercel.app',
  'web.app',
  'windows.net',
  'workers.dev',
]);

/**
 * Whether two hosts belong to one owner: they share a domain of two labels, or of three below country domains such as `co.uk`.
 * So `auth.docker.io` serves `registry-1.docker.io`, and `gitlab.com` serves `registry.gitlab.com`.
 */
export function isSameSite(a: string, b: string): boolean {
  const site = siteOf(a);
  return site !== undefined && site === siteOf(b);
}

function siteOf(hostname: string): string | undefined {
  const labels = hostname.split('.');
  const [second = '', top = ''] = labels.slice(-2);
  if (labels.length < 2 || /^[0-9]+$/.test(top) || hostname.includes(':')) return undefined;
  const isCountry = top.length === 2 && second.length <= 3;
  const site = labels.slice(isCountry ? -3 : -2).join('.');
  const tooFew = isCountry && labels.length < 3;
  return tooFew || SHARED_DOMAINS.has(labels.slice(-2).join('.')) ? undefined : site;
}

function refused({ registry }: RealmRequest, realm: URL, why: string): RegistryError {
  return new RegistryError('REALM_REFUSED', `the realm ${publicUrl(realm)} of ${registry.host} ${why}`, { registry: registry.host });
}

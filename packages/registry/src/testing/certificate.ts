import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate authority of a test's own, and a certificate that it has signed; all in PEM. */
export interface TestCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const ECDSA_WITH_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const COMMON_NAME = oid(0x55, 0x04, 0x03);
const SUBJECT_ALT_NAME = oid(0x55, 0x1d, 0x11);
const BASIC_CONSTRAINTS = oid(0x55, 0x1d, 0x13);
const TRUE = tagged(0x01, [Buffer.of(0xff)]);
const DAY_MS = 24 * 3600_000;

/**
 * Make an authority and a server certificate for these hosts and addresses, good for a day. Without openssl, for a test must run where that is not.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.1}
 */
export function makeCertificate(hosts: readonly string[] = ['localhost', '127.0.0.1', '::1']): TestCertificate {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { name: 'cfskit test authority', key: authority.privateKey };
  const isAuthority = extension(BASIC_CONSTRAINTS, sequence(TRUE), true);
  const names = extension(SUBJECT_ALT_NAME, sequence(...hosts.map(generalName)), false);
  return {
    ca: certificate(issuer, issuer.name, authority.publicKey, isAuthority),
    cert: certificate(issuer, 'cfskit test server', server.publicKey, names),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

interface Issuer {
  readonly name: string;
  readonly key: KeyObject;
}

function certificate(issuer: Issuer, subject: string, publicKey: KeyObject, ...extensions: readonly Buffer[]): string {
  const content = sequence(
    tagged(0xa0, [tagged(0x02, [Buffer.of(2)])]), // version 3
    tagged(0x02, [Buffer.concat([Buffer.of(1), randomBytes(8)])]),
    ECDSA_WITH_SHA256,
    distinguishedName(issuer.name),
    sequence(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, [sequence(...extensions)]),
  );
  const signature = tagged(0x03, [Buffer.of(0), sign('sha256', content, issuer.key)]);
  const lines = sequence(content, ECDSA_WITH_SHA256, signature)
    .toString('base64')
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, [sequence(COMMON_NAME, tagged(0x0c, [Buffer.from(commonName, 'utf8')]))]));
}

function generalName(host: string): Buffer {
  const version = isIP(host);
  if (version === 0) return tagged(0x82, [Buffer.from(host, 'ascii')]);
  return tagged(0x87, [version === 4 ? Buffer.from(host.split('.').map(Number)) : ipv6Loopback(host)]);
}

function ipv6Loopback(host: string): Buffer {
  if (host !== '::1') throw new RangeError(`of IPv6 only ::1 is known, not ${host}`);
  return Buffer.concat([Buffer.alloc(15), Buffer.of(1)]);
}

function extension(id: Buffer, value: Buffer, isCritical: boolean): Buffer {
  return sequence(id, ...(isCritical ? [TRUE] : []), tagged(0x04, [value]));
}

function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return tagged(0x18, [Buffer.from(text, 'ascii')]);
}

function oid(...bytes: readonly number[]): Buffer {
  return tagged(0x06, [Buffer.from(bytes)]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, parts);
}

function tagged(tag: number, parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

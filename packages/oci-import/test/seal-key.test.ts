import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSealKey, parseSealKey } from '../src/seal-key.ts';

const known: [string, ReturnType<typeof parseSealKey>][] = [
  ['composefs.config.fsverity-sha512-12', { role: 'config', algorithm: 'sha512', logBlockSize: 12, signature: false }],
  ['composefs.manifest.fsverity-sha256-12.sig', { role: 'manifest', algorithm: 'sha256', logBlockSize: 12, signature: true }],
  ['composefs.merged.erofs.v1.fsverity-sha256-12', { role: 'merged', format: 1, algorithm: 'sha256', logBlockSize: 12, signature: false }],
  [
    'composefs.merged.bootable.erofs.v2.fsverity-sha256-16',
    { role: 'merged.bootable', format: 2, algorithm: 'sha256', logBlockSize: 16, signature: false },
  ],
  ['composefs.layer.erofs.v1.fsverity-sha512-12', { role: 'layer', format: 1, algorithm: 'sha512', logBlockSize: 12, signature: false }],
];

const unknown = [
  'composefs.',
  'composefs.config',
  'composefs.config.erofs.v1.fsverity-sha256-12',
  'composefs.merged.fsverity-sha256-12',
  'composefs.merged.erofs.fsverity-sha256-12',
  'composefs.merged.erofs.v1.fsverity-sha384-12',
  'composefs.merged.erofs.v1.fsverity-sha256',
  'composefs.merged.erofs.v1.fsverity-sha256-12.sig.sig',
  'Composefs.config.fsverity-sha512-12',
];

describe('names of annotations', () => {
  it.each(known)('%s', (text, key) => expect(parseSealKey(text)).toEqual(key));

  it.each(unknown)('%s says nothing', (text) => expect(parseSealKey(text)).toBeUndefined());

  it('are written as they are read', () => {
    expect(formatSealKey('config', 'sha512')).toBe('composefs.config.fsverity-sha512-12');
    expect(formatSealKey('merged', 'sha256', 2)).toBe('composefs.merged.erofs.v2.fsverity-sha256-12');
  });

  it('may be anything', () => {
    assert(
      property(string(), (text) => {
        expect(parseSealKey(text)).toBeUndefined();
      }),
    );
  });
});

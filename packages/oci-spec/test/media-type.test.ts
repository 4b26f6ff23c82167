import { describe, expect, it } from 'vitest';
import { isImageConfig, isIndex, isManifest, layerFormat } from '../src/index.ts';

const tar = (compression: string, foreign: boolean) => ({ kind: 'tar', compression, foreign });

describe('layerFormat', () => {
  it.each([
    ['application/vnd.oci.image.layer.v1.tar', tar('none', false)],
    ['application/vnd.oci.image.layer.v1.tar+gzip', tar('gzip', false)],
    ['application/vnd.oci.image.layer.v1.tar+zstd', tar('zstd', false)],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar', tar('none', true)],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', tar('gzip', true)],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', tar('zstd', true)],
    ['application/vnd.docker.image.rootfs.diff.tar', tar('none', false)],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', tar('gzip', false)],
    ['application/vnd.docker.image.rootfs.diff.tar.zstd', tar('zstd', false)],
    ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', tar('gzip', true)],
    ['application/vnd.oci.image.layer.v1.tar+encrypted', { kind: 'encrypted' }],
    ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', { kind: 'encrypted' }],
    ['application/vnd.oci.image.layer.v1.tar+zstd+encrypted', { kind: 'encrypted' }],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip+encrypted', { kind: 'encrypted' }],
    ['application/vnd.oci.image.layer.v1.tar+xz', { kind: 'blob' }],
    ['application/vnd.oci.image.layer.v1.tar+gzip; charset=utf-8', { kind: 'blob' }],
    ['application/vnd.OCI.image.layer.v1.tar', { kind: 'blob' }],
    [' application/vnd.oci.image.layer.v1.tar', { kind: 'blob' }],
    ['application/vnd.oci.empty.v1+json', { kind: 'blob' }],
    ['application/octet-stream', { kind: 'blob' }],
    ['', { kind: 'blob' }],
  ])('%s', (mediaType, format) => {
    expect(layerFormat(mediaType)).toEqual(format);
  });
});

it.each([
  ['application/vnd.oci.image.config.v1+json', [true, false, false]],
  ['application/vnd.docker.container.image.v1+json', [true, false, false]],
  ['application/vnd.oci.image.manifest.v1+json', [false, true, false]],
  ['application/vnd.docker.distribution.manifest.v2+json', [false, true, false]],
  ['application/vnd.oci.image.index.v1+json', [false, false, true]],
  ['application/vnd.docker.distribution.manifest.list.v2+json', [false, false, true]],
  ['application/vnd.docker.distribution.manifest.v1+prettyjws', [false, false, false]],
  ['application/vnd.oci.empty.v1+json', [false, false, false]],
])('%s is a config, manifest, index: %s', (mediaType, is) => {
  expect([isImageConfig(mediaType), isManifest(mediaType), isIndex(mediaType)]).toEqual(is);
});

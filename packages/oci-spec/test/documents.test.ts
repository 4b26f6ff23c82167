import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  diffIds,
  mediaTypes,
  OciSpecError,
  parseDescriptor,
  parseImageConfig,
  parseIndex,
  parseManifest,
  REF_NAME_ANNOTATION,
  tagsOf,
} from '../src/index.ts';
import { json, utf8 } from './bytes.ts';
import { outcome } from './outcome.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const descriptor = { mediaType: 'application/octet-stream', digest, size: 7 };
const manifest = { schemaVersion: 2, config: descriptor, layers: [descriptor] };
const index = { schemaVersion: 2, manifests: [descriptor] };
const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digest] } };

const platform = { architecture: 'arm', os: 'linux', variant: 'v7', 'os.version': '1', 'os.features': ['a'] };
const fullDescriptor = {
  ...descriptor,
  platform,
  annotations: { a: 'b' },
  artifactType: 'x/y',
  urls: ['https://example.com'],
  data: 'AAAA',
};

describe.each([
  ['descriptor', parseDescriptor, fullDescriptor],
  [
    'manifest',
    parseManifest,
    { ...manifest, mediaType: 'x/y', artifactType: 'x/y', subject: descriptor, annotations: {}, layers: [fullDescriptor] },
  ],
  ['index', parseIndex, { ...index, mediaType: 'x/y', artifactType: 'x/y', subject: descriptor, annotations: { a: 'b' } }],
  [
    'image config',
    parseImageConfig,
    {
      ...config,
      ...platform,
      created: '2024-01-01T00:00:00Z',
      author: 'a',
      config: { User: '0', Env: ['A=b'], Entrypoint: ['/x'], Cmd: [], WorkingDir: '/', Labels: { a: 'b' }, StopSignal: 'TERM' },
      history: [{ created: 'x', created_by: 'y', author: 'z', comment: '', empty_layer: true }, {}],
    },
  ],
] as const)('a %s', (_, parse, value) => {
  it('is read with every member that is used, and keeps its bytes', () => {
    const raw = json(value);
    expect(parse(raw)).toEqual({ ...value, raw });
    expect(parse(raw).raw).toBe(raw);
  });
  it('ignores unknown members, and takes null for absent', () => {
    const nothing = Object.fromEntries(
      ['annotations', 'history', 'created', 'author', 'config2', 'platform', 'subject'].map((key) => [key, null]),
    );
    const required = Object.fromEntries(Object.entries(value).filter(([key]) => !(key in nothing)));
    const raw = json({ ...required, ...nothing, 'x-unknown': { deep: [1] } });
    expect(parse(raw)).toEqual({ ...required, raw });
  });
  it('is a document or a typed error, whatever one of its members is', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(value)), fc.jsonValue({ maxDepth: 2 }), (key, other) => {
        const result = outcome(() => parse(json({ ...value, [key]: other })));
        expect('value' in result || result.error instanceof OciSpecError).toBe(true);
      }),
    );
  });
});

describe('what is refused', () => {
  const bad: [string, string, () => unknown][] = [
    ['document', 'wanted an object, found []', () => parseManifest(json([]))],
    ['document', 'wanted an object, found null', () => parseIndex(json(null))],
    ['mediaType', 'wanted a string, found nothing', () => parseDescriptor(json({ digest, size: 1 }))],
    ['size', 'found -1', () => parseDescriptor(json({ ...descriptor, size: -1 }))],
    ['size', 'found 1.5', () => parseDescriptor(json({ ...descriptor, size: 1.5 }))],
    ['size', 'found "1"', () => parseDescriptor(json({ ...descriptor, size: '1' }))],
    ['size', 'found 9007199254740992', () => parseDescriptor(utf8(JSON.stringify(descriptor).replace(':7', ':9007199254740993')))],
    ['annotations.a', 'wanted a string, found 1', () => parseDescriptor(json({ ...descriptor, annotations: { a: 1 } }))],
    ['platform.os', 'wanted a string, found nothing', () => parseDescriptor(json({ ...descriptor, platform: { architecture: 'a' } }))],
    ['schemaVersion', 'found 4294967296', () => parseManifest(json({ ...manifest, schemaVersion: 2 ** 32 }))],
    ['config', 'wanted an object, found nothing', () => parseManifest(json({ ...manifest, config: undefined }))],
    ['layers', 'wanted an array, found null', () => parseManifest(json({ ...manifest, layers: null }))],
    ['layers[1].mediaType', 'wanted a string', () => parseManifest(json({ ...manifest, layers: [descriptor, {}] }))],
    ['manifests', 'wanted an array, found {}', () => parseIndex(json({ ...index, manifests: {} }))],
    ['rootfs.diff_ids', 'wanted an array', () => parseImageConfig(json({ ...config, rootfs: { type: 'layers' } }))],
    [
      'rootfs.diff_ids[0]',
      'wanted a string, found 1',
      () => parseImageConfig(json({ ...config, rootfs: { type: 'layers', diff_ids: [1] } })),
    ],
    ['config.Labels.a', 'wanted a string', () => parseImageConfig(json({ ...config, config: { Labels: { a: {} } } }))],
    ['history[0].empty_layer', 'wanted true or false', () => parseImageConfig(json({ ...config, history: [{ empty_layer: 1 }] }))],
    ['architecture', 'wanted a string', () => parseImageConfig(json({ ...config, architecture: 1 }))],
  ];
  it.each(bad)('%s: %s', (path, message, work) => {
    const prefix = path === 'document' ? '' : path;
    expect(work).toThrow(
      expect.objectContaining({ code: 'INVALID_FIELD', path: prefix, message: expect.stringContaining(message) as unknown }),
    );
    expect(work).toThrow(path);
  });
  it('a digest that is none, with its place', () => {
    const value = { ...manifest, layers: [descriptor, { ...descriptor, digest: 'sha256:../x' }] };
    expect(() => parseManifest(json(value))).toThrow(expect.objectContaining({ code: 'INVALID_DIGEST', path: 'layers[1].digest' }));
  });
  it.each([
    ['a manifest with manifests', () => parseManifest(json({ ...manifest, manifests: [] }))],
    ['a manifest of the type of an index', () => parseManifest(json({ ...manifest, mediaType: mediaTypes.index }))],
    ['an index with layers', () => parseIndex(json({ ...index, layers: [] }))],
    ['an index of the type of a manifest', () => parseIndex(json({ ...index, mediaType: mediaTypes.manifest }))],
  ])('%s, which two readers could take for two images', (_, parse) => {
    expect(parse).toThrow(expect.objectContaining({ code: 'AMBIGUOUS_DOCUMENT' }));
  });
  it('two members of one name', () => {
    expect(() => parseManifest(utf8('{"schemaVersion":2,"layers":[],"layers":[]}'))).toThrow(
      expect.objectContaining({ code: 'DUPLICATE_KEY' }),
    );
  });
});

it('an own member named __proto__ is a member like any other', () => {
  const raw = utf8(`{"__proto__":{"mediaType":"x"},"digest":"${digest}","size":1}`);
  expect(() => parseDescriptor(raw)).toThrow(expect.objectContaining({ code: 'INVALID_FIELD', path: 'mediaType' }));
});

it('tagsOf lists each tag once', () => {
  const tagged = (tag: string) => ({ ...descriptor, annotations: { [REF_NAME_ANNOTATION]: tag } });
  expect(tagsOf(parseIndex(json({ ...index, manifests: [tagged('b'), descriptor, tagged(''), tagged('b')] })))).toEqual(['b', '']);
});

const withIds = (...ids: string[]) => parseImageConfig(json({ ...config, rootfs: { type: 'layers', diff_ids: ids } }));

describe('diffIds', () => {
  it('gives digests that can be checked', () => {
    expect(diffIds(withIds(digest, digest))).toEqual([digest, digest]);
  });
  it.each([
    ['INVALID_DIGEST', 'sha256:abc123def456'],
    ['UNKNOWN_ALGORITHM', 'blake3:abc'],
  ])('refuses with %s: %s', (code, id) => {
    expect(() => diffIds(withIds(digest, id))).toThrow(expect.objectContaining({ code, path: 'rootfs.diff_ids[1]' }));
    expect(() => diffIds(withIds(id))).toThrow('parsing diff_id from image config');
  });
});

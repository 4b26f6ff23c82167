import { describe, expect, it } from 'vitest';
import { annotatedManifest, labelledConfig, manifestWithConfig } from '../src/sealed-documents.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (document: Uint8Array): string => new TextDecoder().decode(document);

describe('a label in a config', () => {
  it.each([
    ['{"config":{}}', '{"config":{"Labels":{"containers.composefs.fsverity":"id"}}}'],
    [
      '{\n\t"z": 1, "config": {"Env": ["A=1"], "Labels": null, "User": "u"}, "a": [1.5, true, null]}\n',
      '{"z":1,"config":{"Env":["A=1"],"Labels":{"containers.composefs.fsverity":"id"},"User":"u"},"a":[1.5,true,null]}',
    ],
    ['{"config":{"Labels":{"z":"1","a":"2"}}}', '{"config":{"Labels":{"z":"1","a":"2","containers.composefs.fsverity":"id"}}}'],
    [
      '{"config":{"Labels":{"containers.composefs.fsverity":"old","z":""}}}',
      '{"config":{"Labels":{"containers.composefs.fsverity":"id","z":""}}}',
    ],
    ['{"config":{"Labels":{"é":"\\u00fc"}}}', '{"config":{"Labels":{"é":"ü","containers.composefs.fsverity":"id"}}}'],
    ['{"__proto__":{"x":1},"config":{}}', '{"__proto__":{"x":1},"config":{"Labels":{"containers.composefs.fsverity":"id"}}}'],
  ])('%j', (raw, expected) => expect(text(labelledConfig(bytes(raw), 'id'))).toBe(expected));

  it.each([
    ['{}', 'no config!'],
    ['{"config":null}', 'no config!'],
    ['{"config":[]}', 'no config!'],
    ['{"config":{"Labels":[]}}', 'config.Labels is no JSON object'],
    ['{"config":{},"big":12345678901234567890}', '12345678901234567890 would be another one'],
    ['{"config":{},"huge":1e999}', '1e999 would be another one'],
  ])('has no place in %s', (raw, message) => {
    expect(() => labelledConfig(bytes(raw), 'id')).toThrow(
      expect.objectContaining({ code: 'UNSEALABLE', message: expect.stringContaining(message) }),
    );
  });

  it('is not set in what is no strict JSON', () => {
    expect(() => labelledConfig(bytes('{"config":{},"config":{}}'), 'id')).toThrow(expect.objectContaining({ code: 'DUPLICATE_KEY' }));
  });
});

describe('a manifest', () => {
  const manifest =
    '{ "schemaVersion": 2, "config": {"mediaType":"m","digest":"sha256:0","size":1,"x":[]}, "layers": [], "own": {"b":1,"a":2} }';

  it('names another config; nothing else changes', () => {
    const changed = manifestWithConfig(bytes(manifest), bytes('{}'));
    const digest = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
    expect(text(changed)).toBe(
      `{"schemaVersion":2,"config":{"mediaType":"m","digest":"${digest}","size":2,"x":[]},"layers":[],"own":{"b":1,"a":2}}`,
    );
  });

  it('gets annotations at its end and at the end of the config descriptor', () => {
    expect(text(annotatedManifest(bytes(manifest), { top: '1' }, { below: '2' }))).toBe(
      '{"schemaVersion":2,"config":{"mediaType":"m","digest":"sha256:0","size":1,"x":[],"annotations":{"below":"2"}},"layers":[],"own":{"b":1,"a":2},"annotations":{"top":"1"}}',
    );
  });

  it('keeps annotations where they are', () => {
    const annotated = '{"annotations":{"top":"0","z":"1"},"config":{"annotations":{"other":"1"},"digest":"d"}}';
    expect(text(annotatedManifest(bytes(annotated), { top: '1' }, { below: '2' }))).toBe(
      '{"annotations":{"top":"1","z":"1"},"config":{"annotations":{"other":"1","below":"2"},"digest":"d"}}',
    );
  });

  it('without a config descriptor is refused', () => {
    expect(() => manifestWithConfig(bytes('{"config":"x"}'), bytes('{}'))).toThrow(expect.objectContaining({ code: 'UNSEALABLE' }));
  });
});

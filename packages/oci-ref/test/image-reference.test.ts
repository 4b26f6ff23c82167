import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatImageReference, OciRefError, parseImageReference, parseTransport, transportPrefixes, type Transport } from '../src/index.ts';
import { vectors } from './vectors.ts';

const CODES: Readonly<Record<string, string>> = {
  'missing-colon': 'MISSING_COLON',
  'unknown-transport': 'UNKNOWN_TRANSPORT',
  'missing-docker-slashes': 'MISSING_SLASHES',
  'empty-name': 'EMPTY_NAME',
};

describe('parseImageReference', () => {
  it.each(vectors.image_reference.filter(({ ok }) => ok))('takes $input', ({ input, transport, name, display }) => {
    const reference = parseImageReference(input);
    expect(reference).toEqual({ transport, name });
    expect(formatImageReference(reference)).toBe(display);
    expect(parseImageReference(display!)).toEqual(reference);
  });
  it.each(vectors.image_reference.filter(({ ok }) => !ok))('refuses "$input"', ({ input, error_kind, error }) => {
    const expected = { name: 'OciRefError', code: CODES[error_kind!], input, message: error };
    expect(() => parseImageReference(input)).toThrow(expect.objectContaining(expected));
  });
  it('reads back what it formats, whatever the name is', () => {
    const transports = Object.keys(vectors.transport_display) as Transport[];
    fc.assert(
      fc.property(fc.constantFrom(...transports), fc.string({ unit: 'binary', minLength: 1 }), (transport, name) => {
        expect(parseImageReference(formatImageReference({ transport, name }))).toEqual({ transport, name });
      }),
    );
  });
  it('gives a reference or a typed error for any text', () => {
    const near = fc
      .array(fc.constantFrom('docker', 'oci', ':', '/', '//', 'registry', 'x'), { maxLength: 5 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        expect(attempt(text)).toBe(true);
      }),
    );
  });
});

function attempt(text: string): boolean {
  try {
    return parseImageReference(text).name !== '';
  } catch (error) {
    return error instanceof OciRefError;
  }
}

it('transports are written as in the reference', () => {
  for (const [transport, prefix] of Object.entries(vectors.transport_display)) {
    expect(formatImageReference({ transport: transport as Transport, name: 'x' })).toBe(`${prefix}x`);
  }
  expect(new Set(transportPrefixes)).toEqual(new Set([...Object.values(vectors.transport_display), 'registry:']));
});

describe('parseTransport', () => {
  it.each(vectors.transport_only.cases.filter(({ transport }) => transport !== undefined))(
    '$input is $transport',
    ({ input, transport }) => {
      expect(parseTransport(input)).toBe(transport);
    },
  );
  it.each(vectors.transport_only.cases.filter(({ error }) => error !== undefined))('$input: $error', ({ input, error }) => {
    expect(() => parseTransport(input)).toThrow(expect.objectContaining({ name: 'OciRefError', message: error }));
  });
});

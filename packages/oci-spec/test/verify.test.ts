import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlobVerifier, digestOf, verified } from '../src/index.ts';
import { collect, cut, stream, utf8 } from './bytes.ts';

const abc = utf8('abc');
const digest = digestOf(abc);
const otherDigest = digestOf(utf8('abd'));

const wrong: [string, Uint8Array, { digest: string; size?: number }, object][] = [
  [
    'too short',
    utf8('ab'),
    { digest, size: 3 },
    { code: 'SIZE_MISMATCH', expected: 3, actual: 2, message: `size mismatch: wanted 3 bytes of ${digest}, found 2` },
  ],
  ['empty', utf8(''), { digest, size: 3 }, { code: 'SIZE_MISMATCH', expected: 3, actual: 0 }],
  [
    'too long',
    utf8('abcd'),
    { digest, size: 3 },
    { code: 'SIZE_MISMATCH', expected: 3, actual: 4, message: `size mismatch: wanted 3 bytes of ${digest}, found at least 4` },
  ],
  [
    'other content',
    utf8('abd'),
    { digest, size: 3 },
    {
      code: 'DIGEST_MISMATCH',
      expected: digest,
      actual: otherDigest,
      digest,
      message: `digest mismatch: wanted ${digest}, found ${otherDigest}`,
    },
  ],
  ['other content, size unknown', utf8('abd'), { digest }, { code: 'DIGEST_MISMATCH', expected: digest, actual: otherDigest }],
  ['shorter content, size unknown', utf8('ab'), { digest }, { code: 'DIGEST_MISMATCH' }],
];

describe('BlobVerifier', () => {
  it.each(['sha256', 'sha384', 'sha512'] as const)('accepts the content that %s names', (algorithm) => {
    const verifier = new BlobVerifier({ digest: digestOf(abc, algorithm), size: 3 });
    verifier.update(abc);
    expect(verifier.size).toBe(3);
    expect(() => verifier.finish()).not.toThrow();
  });
  it.each(wrong)('refuses %s', (_, bytes, expected, error) => {
    const check = (): void => {
      const verifier = new BlobVerifier(expected);
      verifier.update(bytes);
      verifier.finish();
    };
    expect(check).toThrow(expect.objectContaining({ name: 'VerifyError', ...error }));
  });
  it('refuses digests it cannot check', () => {
    expect(() => new BlobVerifier({ digest: 'blake3:abc', size: 3 })).toThrow(expect.objectContaining({ code: 'UNKNOWN_ALGORITHM' }));
    expect(() => new BlobVerifier({ digest: 'sha256:../x', size: 3 })).toThrow(expect.objectContaining({ code: 'INVALID_DIGEST' }));
  });
});

describe('verified', () => {
  it('passes right content through, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200), { maxLength: 5 }), async (bytes, places) => {
        const expected = { digest: digestOf(bytes), size: bytes.length };
        expect(await collect(verified(stream(cut(bytes, places)), expected))).toEqual(bytes);
      }),
    );
  });
  it('finds any flipped bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.nat(), fc.nat(7), async (bytes, position, bit) => {
        const damaged = bytes.slice();
        const at = position % bytes.length;
        damaged[at] = damaged.at(at)! ^ (1 << bit);
        const expected = { digest: digestOf(bytes), size: bytes.length };
        await expect(collect(verified(stream([damaged]), expected))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
      }),
    );
  });
  it.each(wrong)('refuses %s', async (_, bytes, expected, error) => {
    await expect(collect(verified(stream([bytes]), expected))).rejects.toMatchObject(error);
  });
  it('does not hand out the chunk that is too much, and closes its source', async () => {
    let closed = false;
    const seen: number[] = [];
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        while (true) yield await Promise.resolve(abc);
      } finally {
        closed = true;
      }
    }
    const reading = (async () => {
      for await (const chunk of verified(endless(), { digest, size: 7 })) seen.push(chunk.length);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'SIZE_MISMATCH', actual: 9 });
    expect({ seen, closed }).toEqual({ seen: [3, 3], closed: true });
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../src/challenge.ts';

type Expected = readonly (readonly [scheme: string, params: Readonly<Record<string, string>>])[];

const accepted: readonly (readonly [name: string, header: string, expected: Expected])[] = [
  [
    'Docker Hub',
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull"',
    [['bearer', { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:library/alpine:pull' }]],
  ],
  [
    'a comma inside quotes',
    'Bearer realm="r",scope="repository:a:pull,push"',
    [['bearer', { realm: 'r', scope: 'repository:a:pull,push' }]],
  ],
  ['a realm with a query', 'Bearer realm="https://a/t?x=1&y==2"', [['bearer', { realm: 'https://a/t?x=1&y==2' }]]],
  ['realm only', 'Bearer realm="https://a/t"', [['bearer', { realm: 'https://a/t' }]]],
  ['any letter case', 'bEARER Realm="r",SERVICE=s', [['bearer', { realm: 'r', service: 's' }]]],
  ['white space', ' Bearer   realm = "r" ,\t service="s" ', [['bearer', { realm: 'r', service: 's' }]]],
  ['escapes', String.raw`Basic realm="a \"b\" \\ c"`, [['basic', { realm: 'a "b" \\ c' }]]],
  [
    'several challenges',
    'Basic realm="x", Bearer realm="r",service="s"',
    [
      ['basic', { realm: 'x' }],
      ['bearer', { realm: 'r', service: 's' }],
    ],
  ],
  ['a scheme alone', 'Negotiate', [['negotiate', {}]]],
  [
    'a scheme alone, then another',
    'Negotiate, Basic realm="x"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  [
    'token68',
    'NTLM TlRMTVNTUAAC/+a==, Basic realm="x"',
    [
      ['ntlm', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  ['the first of two parameters with one name', 'Bearer realm="a",realm="b"', [['bearer', { realm: 'a' }]]],
  ['empty elements', ',, Basic realm="x",,', [['basic', { realm: 'x' }]]],
  ['an empty value', 'Bearer realm=""', [['bearer', { realm: '' }]]],
  ['nothing', '', []],
  ['no challenge', '"', []],
  [
    'a quote that does not end',
    'Basic realm="x", Bearer realm="r',
    [
      ['basic', { realm: 'x' }],
      ['bearer', {}],
    ],
  ],
];

const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

const formatParams = (all: Readonly<Record<string, string>>): string =>
  Object.entries(all)
    .map(([key, text]) => `${key}=${quote(text)}`)
    .join(',');

describe('parseChallenges', () => {
  it.each(accepted)('reads %s', (_, header, expected) => {
    const found = parseChallenges(header).map(({ scheme, params }) => [scheme, Object.fromEntries(params)]);
    expect(found).toEqual(expected);
  });

  it('reads back what was written, whatever it is', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}$/);
    const value = fc.string({ unit: 'grapheme-ascii' });
    const challenge = fc.tuple(name, fc.dictionary(name, value, { minKeys: 1, noNullPrototype: true }));
    fc.assert(
      fc.property(fc.array(challenge), (challenges) => {
        const header = challenges.map(([scheme, all]) => `${scheme} ${formatParams(all)}`).join(', ');
        expect(parseChallenges(header).map((found) => [found.scheme, Object.fromEntries(found.params)])).toEqual(challenges);
      }),
    );
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aB=", \t\\/;'.split('')) }), (text) => Array.isArray(parseChallenges(text))),
    );
    expect(parseChallenges('\0')).toEqual([]);
  });

  it('takes time linear in the text', () => {
    expect(parseChallenges('a'.repeat(100_000) + '='.repeat(100_000)).length).toBeLessThan(3);
    expect(parseChallenges(`Bearer realm="${String.raw`\"`.repeat(50_000)}`)).toHaveLength(1);
  });
});

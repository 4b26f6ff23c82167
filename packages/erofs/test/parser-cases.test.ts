import { FsTreeError, parseDumpfile } from '@cfskit/fs-tree';
import { expect, it } from 'vitest';
import { chooseVersion, ErofsError, writeImage, type Profile } from '../src/index.ts';
import { index, sha256, type ParserCase } from './vectors.ts';

/** Sizes of FIFOs are not kept; mkcomposefs makes the inode of one above 4 GiB an extended one. */
const EXEMPT = 'size-on-fifo-2^33';

const accepted = index.parser_cases.filter(({ port }) => port === 'accept');
const refused = index.parser_cases.filter(({ port }) => port !== 'accept');

it('are there', () => expect([accepted.length, refused.length]).toEqual([36, 69]));

it.each(refused)('$name: $port', (parserCase) => expect(() => write(parserCase, 'rs')).toThrow(FsTreeError));

it.each(accepted.filter(({ name, c }) => c.ok && name !== EXEMPT))('$name has the image of mkcomposefs', (parserCase) => {
  expect(sha256(write(parserCase, 'c'))).toBe(parserCase.c.sha256);
});

it.each(accepted.filter(({ rs_v0 }) => rs_v0.ok))('$name has the image of composefs-rs', (parserCase) => {
  expect(sha256(write(parserCase, 'rs'))).toBe(parserCase.rs_v0.sha256);
});

it('a payload that is no path of an object needs a digest, or the profile of mkcomposefs', () => {
  const parserCase = index.parser_cases.find(({ name }) => name === 'payload-not-an-object-path-no-digest')!;
  expect(() => write(parserCase, 'rs')).toThrow(
    expect.objectContaining({ name: ErofsError.prototype.name, code: 'UNWRITABLE', path: '/f' }),
  );
});

function write({ dump, dump_encoding }: ParserCase, profile: Profile): Uint8Array {
  const root = parseDumpfile(Buffer.from(dump, dump_encoding === undefined ? 'utf8' : 'latin1'));
  return writeImage(root, { version: profile === 'c' ? chooseVersion(root) : 0, profile });
}

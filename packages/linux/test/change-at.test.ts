import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytes } from './bytes.ts';
import { load, MEANS, useDirectory } from './means.ts';

describe.each(MEANS)('changing entries by %s', async (means) => {
  const { renameAt, unlinkAt } = await load(means);
  const path = useDirectory('/dev/shm');
  let directory = -1;
  beforeEach(() => {
    directory = openSync(path(), 'r');
    writeFileSync(join(path(), 'a'), 'a');
    writeFileSync(join(path(), 'b'), 'b');
    mkdirSync(join(path(), 'sub'));
    symlinkSync('a', join(path(), 'link'));
  });
  afterEach(() => closeSync(directory));

  const content = (name: string): string => readFileSync(join(path(), name), 'utf8');

  it('removes files and links, not what they lead to', () => {
    expect(unlinkAt(directory, bytes('link'))).toBe('removed');
    expect(unlinkAt(directory, bytes('link'))).toBe('missing');
    expect(content('a')).toBe('a');
  });

  it('removes empty directories when asked to', () => {
    expect(() => unlinkAt(directory, bytes('sub'))).toThrow(expect.objectContaining({ code: 'EISDIR' }));
    expect(() => unlinkAt(directory, bytes('a'), { directory: true })).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
    writeFileSync(join(path(), 'sub/file'), '');
    expect(() => unlinkAt(directory, bytes('sub'), { directory: true })).toThrow(expect.objectContaining({ code: 'ENOTEMPTY' }));
    const sub = openSync(join(path(), 'sub'), 'r');
    expect(unlinkAt(sub, bytes('file'))).toBe('removed');
    closeSync(sub);
    expect(unlinkAt(directory, bytes('sub'), { directory: true })).toBe('removed');
  });

  it('renames over what is there', () => {
    expect(renameAt(directory, bytes('a'), directory, bytes('b'))).toBe('renamed');
    expect(content('b')).toBe('a');
    expect(existsSync(join(path(), 'a'))).toBe(false);
    expect(() => renameAt(directory, bytes('a'), directory, bytes('c'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(() => renameAt(directory, bytes('b'), directory, bytes('..'))).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
  });

  it('keeps what is there, or exchanges the two, where the kernel helps', () => {
    const outcome = (...answers: string[]): string => (means === 'koffi' ? answers.join() : 'unsupported');
    expect(renameAt(directory, bytes('a'), directory, bytes('b'), 'keep')).toBe(outcome('exists'));
    expect(renameAt(directory, bytes('a'), directory, bytes('b'), 'exchange')).toBe(outcome('renamed'));
    expect(content('a') + content('b')).toBe(means === 'koffi' ? 'ba' : 'ab');
    expect(renameAt(directory, bytes('a'), directory, bytes('c'), 'keep')).toBe(outcome('renamed'));
    expect(readdirSync(path()).toSorted()).toEqual([means === 'koffi' ? 'b' : 'a', ...(means === 'koffi' ? ['c'] : ['b']), 'link', 'sub']);
  });
});

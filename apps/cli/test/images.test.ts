import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { json, ok, scratch } from './harness.ts';

const path = scratch();
const id = 'ab'.repeat(64);
let repo = '';

beforeAll(async () => {
  repo = path('repo');
  await ok(['init', '--insecure', repo]);
});

it('finds none in a new repository', async () => {
  expect(await ok(['images', '--repo', repo])).toBe('No images found\n');
  expect(await json('images', ['list-images', '--repo', repo])).toEqual({ images: [] });
});

it('lists names in byte order with their digests', async () => {
  await mkdir(join(repo, 'images/refs/a'), { recursive: true });
  await symlink(`../objects/ab/${id.slice(2)}`, join(repo, 'images', id));
  for (const [name, up] of [
    ['z', '../'],
    ['a/b', '../../'],
    ['B', '../'],
  ] as const)
    await symlink(`${up}${id}`, join(repo, 'images/refs', name));
  expect(await ok(['images', '--repo', repo])).toBe(
    `NAME  DIGEST\nB     ${id.slice(0, 12)}\na/b   ${id.slice(0, 12)}\nz     ${id.slice(0, 12)}\n`,
  );
  expect(await ok(['images', '--no-trunc', '--repo', repo])).toContain(`\nz     ${id}\n`);
  expect(await json('images', ['images', '--repo', repo])).toEqual({
    images: ['B', 'a/b', 'z'].map((name) => ({ name, digest: id })),
  });
});

it('draws a box on a terminal', async () => {
  const text = await ok(['images', '--repo', repo], { stdoutIsTerminal: true });
  expect(text.split('\n').slice(0, 3)).toEqual(['┌──────┬──────────────┐', '│ NAME ┆ DIGEST       │', '╞══════╪══════════════╡']);
});

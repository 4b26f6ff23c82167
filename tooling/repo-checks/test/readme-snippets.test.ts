import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT, shippedPackages } from '../src/workspace.ts';

const packages = shippedPackages().filter(({ path }) => path.startsWith('packages/'));
const scratch = mkdtempSync(join(tmpdir(), 'readme-snippets-'));
const written: string[] = [];
afterAll(() => {
  for (const path of [scratch, ...written]) rmSync(path, { recursive: true, force: true });
});

/** The first ```ts block of a README, and the line it starts on. */
function firstSnippet(path: string): { code: string; line: number } {
  const text = readFileSync(join(ROOT, path, 'README.md'), 'utf8');
  const match = /^```ts\n([\s\S]*?)^```/m.exec(text);
  if (match?.[1] === undefined) throw new Error(`${path}/README.md has no \`\`\`ts block`);
  return { code: match[1], line: text.slice(0, match.index).split('\n').length };
}

/** Puts the snippet inside its package, where its imports resolve as they do for the package itself. */
function place(path: string, code: string): string {
  const folder = join(ROOT, path, '.readme-snippet');
  mkdirSync(folder, { recursive: true });
  written.push(folder);
  const file = join(folder, 'snippet.ts');
  writeFileSync(file, code);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '@cfskit/tsconfig/check.json', include: ['snippet.ts'], compilerOptions: { isolatedDeclarations: false } }),
  );
  return file;
}

describe.each(packages)('README of $path', ({ path }) => {
  const { code, line } = firstSnippet(path);

  it('shows a snippet within its first 20 lines', () => {
    expect(line).toBeLessThanOrEqual(20);
  });

  it('compiles and runs', () => {
    const file = place(path, code);
    const checked = spawnSync('node', [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', join(file, '../tsconfig.json')], {
      encoding: 'utf8',
    });
    expect(checked.stdout + checked.stderr).toBe('');
    const cwd = mkdtempSync(join(scratch, 'cwd-'));
    const ran = spawnSync('node', ['--conditions=source', file], { cwd, encoding: 'utf8', timeout: 30_000 });
    expect({ status: ran.status, stderr: ran.stderr }).toMatchObject({ status: 0 });
    expect(ran.stdout).not.toBe('');
  });
});

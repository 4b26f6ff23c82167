import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesBelow, ROOT, shippedPackages } from '../src/workspace.ts';

const packages = shippedPackages();
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const pages = filesBelow('docs', '.md').filter((path) => path !== 'docs/README.md');
const readmes = packages.map(({ path }) => `${path}/README.md`);

/** The paths that a page links to, from the root. Links to other sites, within the page and in code are left out. */
function linksOf(path: string): string[] {
  const text = read(path).replaceAll(/^```[\s\S]*?^```/gm, '');
  const targets = [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map((match) => match[1] ?? '');
  return targets.filter((target) => !/^[a-z]+:/.test(target)).map((target) => join(dirname(path), target));
}

describe('links', () => {
  it.each(['README.md', 'docs/README.md', ...pages, ...readmes])('of %s lead somewhere', (path) => {
    expect(linksOf(path).filter((target) => !existsSync(join(ROOT, target)))).toEqual([]);
  });
});

describe('docs/README.md', () => {
  it('lists every page by its heading', () => {
    const index = read('docs/README.md');
    const missing = pages.filter((path) => {
      const heading = /^# (.*)$/m.exec(read(path))?.[1];
      return !index.includes(`- [${heading}](${path.slice('docs/'.length)})\n`);
    });
    expect(missing).toEqual([]);
  });
});

describe('the root README', () => {
  it('lists every package that ships', () => {
    const missing = packages.filter(({ path, manifest }) => !read('README.md').includes(`| [${manifest.name}](${path}) | `));
    expect(missing.map(({ path }) => path)).toEqual([]);
  });
});

/** The values that a module re-exports by name, types left out. */
function valuesOf(module: string): string[] {
  const lists = [...read(module).matchAll(/^export \{([^}]*)\}/gm)].map((match) => match[1] ?? '');
  return lists.flatMap((list) => list.split(',').map((name) => name.trim())).filter((name) => name !== '' && !name.startsWith('type '));
}

describe('README of', () => {
  it.each(packages.filter(({ path }) => path.startsWith('packages/')).map(({ path }) => path))(
    '%s names every value of its index',
    (path) => {
      const text = read(`${path}/README.md`);
      const entries = filesBelow(`${path}/src`, 'index.ts');
      const names = entries.flatMap(valuesOf).filter((name) => !new RegExp(`\\b${name}\\b`).test(text));
      expect(names).toEqual([]);
    },
  );
});

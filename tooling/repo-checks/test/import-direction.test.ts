import { describe, expect, it } from 'vitest';
import { BROWSER_ROWS, ROWS, mayImport, rowOf } from '../src/layers.ts';
import { filesBelow, importsOf, shippedPackages } from '../src/workspace.ts';

const SCOPE = '@cfskit/';
const packages = shippedPackages();
const scoped = (names: object = {}): string[] =>
  Object.keys(names)
    .filter((name) => name.startsWith(SCOPE))
    .map((name) => name.slice(SCOPE.length));

describe('imports point down', () => {
  it.each(packages)('$path is in a row of the design', ({ name, manifest }) => {
    expect(rowOf(name)).toBeGreaterThanOrEqual(0);
    expect(manifest.name).toBe(SCOPE + name);
  });

  it.each(packages)('$path declares only lower packages', ({ name, manifest }) => {
    const declared = [...scoped(manifest.dependencies), ...scoped(manifest.optionalDependencies)];
    expect(declared.filter((dependency) => !mayImport(name, dependency))).toEqual([]);
  });

  it.each(packages)('$path/src imports what its manifest declares, by package name', ({ path, manifest }) => {
    const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }));
    const foreign = filesBelow(`${path}/src`, '.ts').flatMap((file) =>
      importsOf(file)
        .filter((specifier) => !/^(\.|node:|#)/.test(specifier))
        .filter((specifier) => !declared.has(packageOf(specifier)) && packageOf(specifier) !== manifest.name)
        .map((specifier) => `${file}: ${specifier}`),
    );
    expect(foreign).toEqual([]);
  });

  it.each(packages)('$path/src stays inside its package', ({ path }) => {
    const escaping = filesBelow(`${path}/src`, '.ts').flatMap((file) => {
      const depth = file.split('/').length - path.split('/').length - 1;
      return importsOf(file).filter((specifier) => specifier.startsWith('../'.repeat(depth)) && depth > 0 && climbs(specifier) >= depth);
    });
    expect(escaping).toEqual([]);
  });

  const inBrowser = new Set(ROWS.filter(([row]) => BROWSER_ROWS.includes(row)).flatMap(([, names]) => names));
  it.each(packages.filter(({ name }) => inBrowser.has(name)))('$path/src imports no node:* but for #hash', ({ path }) => {
    const found = filesBelow(`${path}/src`, '.ts')
      .filter((file) => !file.startsWith('packages/oci-spec/src/hash'))
      .flatMap((file) => importsOf(file).filter((specifier) => specifier.startsWith('node:')));
    expect(found).toEqual([]);
  });

  it('koffi is imported by linux alone', () => {
    const importers = packages.filter(({ manifest }) => 'koffi' in { ...manifest.dependencies, ...manifest.optionalDependencies });
    expect(importers.map(({ name }) => name)).toEqual(['linux']);
  });
});

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function climbs(specifier: string): number {
  return specifier.split('/').filter((part) => part === '..').length;
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, shippedPackages } from '../src/workspace.ts';

describe.each(shippedPackages())('$path', ({ path, manifest }) => {
  it('has the fields that all packages share', () => {
    expect(manifest).toMatchObject({
      license: 'MIT OR Apache-2.0',
      type: 'module',
      engines: { node: '>=22.18.0' },
      repository: { directory: path },
      publishConfig: { access: 'public' },
    });
    expect(manifest.private).toBeUndefined();
    expect(manifest.description).toMatch(/^\S.{20,}/);
    expect(manifest.version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('publishes what it exports, without the source condition', () => {
    expect(withoutSource(manifest.exports)).toEqual(manifest.publishConfig?.exports);
  });

  it('has a README and is in the table of packages', () => {
    expect(existsSync(join(ROOT, path, 'README.md'))).toBe(true);
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain(`(${path})`);
  });
});

function withoutSource(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'source')
      .map(([key, inner]) => [key, withoutSource(inner)]),
  );
}

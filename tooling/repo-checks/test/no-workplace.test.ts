import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../src/workspace.ts';

/** Absolute paths of a developer's machine and addresses of package mirrors have no place in a repository. */
const FOREIGN = /(?:^|[\s'"(=])\/(?:work|root|home)\/[a-z]|resolved "?https?:|registry=http/;
const ITSELF = 'tooling/repo-checks/test/no-workplace.test.ts';

it('names no machine paths and no mirrors', () => {
  const { stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 });
  const files = stdout.split('\0').filter((path) => /\.(?:ts|mjs|js|json|md|ya?ml|sh)$|^\.ci\/run$/.test(path) && path !== ITSELF);
  expect(files.length).toBeGreaterThan(0);
  const found = files.flatMap((path) =>
    readFileSync(join(ROOT, path), 'utf8')
      .split('\n')
      .flatMap((text, index) => (FOREIGN.test(text) ? [`${path}:${index + 1}`] : [])),
  );
  expect(found).toEqual([]);
});

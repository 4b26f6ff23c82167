import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeRoot } from './directory-fixture.ts';
import { ok } from './harness.ts';

/** A directory, and an insecure repository that has its image under the name `os`. */
export interface StoredDirectory {
  readonly root: string;
  readonly repo: string;
  readonly id: string;
}

/** Make a directory and a repository below `directory`, and store the one in the other. */
export async function storeDirectory(directory: string, algorithm: 'sha256' | 'sha512' = 'sha512'): Promise<StoredDirectory> {
  const name = randomBytes(4).toString('hex');
  const root = join(directory, `root ${name}`);
  const repo = join(directory, `repo ${name}`);
  mkdirSync(root, { mode: 0o755 });
  makeRoot(root);
  await ok(['init', '--insecure', '--hash', algorithm, repo]);
  const text = await ok(['create-image', '-q', '--repo', repo, root, 'os']);
  return { root, repo, id: text.trimEnd().slice(`${algorithm}:`.length) };
}

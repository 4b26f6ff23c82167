import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Algorithm } from '@cfskit/fs-verity';
import type { FsckJson } from '../src/index.ts';

/** A file or a link below the root of a repository. */
interface Entry {
  readonly path: string;
  readonly content?: string;
  readonly target?: string;
}

/** A repository, and what cfsctl says about it. */
export interface Scenario {
  readonly name: string;
  readonly algorithm: Algorithm;
  readonly roots: readonly string[];
  readonly imageObjects?: Readonly<Record<string, readonly string[]>>;
  readonly entries: readonly Entry[];
  readonly fsck: Omit<FsckJson, 'findings'>;
  readonly text: string;
  readonly metadataOnly: Omit<FsckJson, 'findings'>;
  readonly dryRun: { readonly stdout: string; readonly error?: string };
  readonly gc: { readonly stdout: string; readonly error?: string; readonly left: readonly string[] };
}

interface Vectors {
  readonly metadata: readonly { readonly algorithm: Algorithm; readonly erofsFormat: 0 | 1 | 2; readonly meta: string }[];
  readonly scenarios: readonly Scenario[];
  readonly contents: Readonly<Record<string, string>>;
}

/** Recorded from cfsctl; vectors/README.md tells how. */
export const vectors: Vectors = JSON.parse(readFileSync(new URL('./vectors/cfsctl.json', import.meta.url), 'utf8')) as Vectors;

/** The scenario of this name. */
export function scenario(name: string): Scenario {
  const found = vectors.scenarios.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no scenario '${name}'`);
  return found;
}

/** Put the entries of a scenario below `root`. */
export function build(root: string, { entries }: Pick<Scenario, 'entries'>): void {
  for (const { path, content, target } of entries) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (target === undefined) writeFileSync(join(root, path), Buffer.from(vectors.contents[content ?? ''] ?? '', 'hex'));
    else symlinkSync(target, join(root, path));
  }
}

import { readFileSync } from 'node:fs';
import type { Program } from '@cfskit/cli-kit';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };

/** The program `proxy-import`: one command, without a name of its own. */
export const proxyImportProgram: Program = {
  name: 'proxy-import',
  version,
  summary: 'Images through skopeo into composefs repositories',
  commands: [],
  command: async () => (await import('./proxy-import.ts')).proxyImport,
  about: () => ({ node: process.version }),
};

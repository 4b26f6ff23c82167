import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '@cfskit/cli-kit';
import { memoryWorld, type MemoryWorldOptions } from '@cfskit/cli-kit/testing';
import { initRepository } from '@cfskit/repository';
import { afterAll } from 'vitest';
import { proxyImportProgram } from '../src/index.ts';

/** The program as a command line begins with it. */
export const PROGRAM: string = fileURLToPath(new URL('../bin/proxy-import.js', import.meta.url));

/** How one run of the program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run the program in a made-up world, with the environment of this one. */
export async function run(argv: readonly string[], options: MemoryWorldOptions = {}): Promise<Ended> {
  const memory = memoryWorld({ env: process.env, ...options });
  const code = await runProgram(proxyImportProgram, argv, memory.world);
  return { code, stdout: memory.stdout(), stderr: memory.stderr() };
}

/** A directory for the tests of one file. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'proxy import '));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** An empty repository. */
export async function newRepository(path: string): Promise<string> {
  await (await initRepository(path, { algorithm: 'sha256', insecure: true })).close();
  return path;
}

/** Everything in a directory: what each file holds and where each link leads. */
export function contentOf(directory: string): readonly string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(directory.length + 1);
    if (entry.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`;
    return entry.isFile() ? `${name} ${createHash('sha256').update(readFileSync(path)).digest('hex')}` : `${name}/`;
  });
  return entries.toSorted();
}

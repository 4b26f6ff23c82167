import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@cfskit/cli-kit';
import { memoryWorld, type MemoryWorldOptions } from '@cfskit/cli-kit/testing';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect } from 'vitest';
import { cfskit } from '../src/program.ts';

/** How one run of the program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly bytes: Uint8Array;
  readonly stderr: string;
}

/** Run the program in a made-up world. */
export async function run(argv: readonly string[], options: MemoryWorldOptions = {}): Promise<Ended> {
  const memory = memoryWorld(options);
  const code = await runProgram(cfskit, argv, memory.world);
  return { code, stdout: memory.stdout(), bytes: memory.stdoutBytes(), stderr: memory.stderr() };
}

/** Run it and expect success; the answer is standard output. */
export async function ok(argv: readonly string[], options: MemoryWorldOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(argv, options);
  expect({ code, stderr }).toEqual({ code: 0, stderr });
  return stdout;
}

/** Run it with `--json`, expect success and a document that fits the schema. */
export async function json(schema: string, argv: readonly string[], options: MemoryWorldOptions = {}): Promise<unknown> {
  return document(schema, await ok([...argv, '--json'], options));
}

/** Parse standard output as the one document it must be, and check it against its schema. */
export function document(schema: string, text: string): unknown {
  expect(text.endsWith('\n')).toBe(true);
  const value = JSON.parse(text) as unknown;
  const check = validator(schema);
  check(value);
  expect(check.errors ?? []).toEqual([]);
  return value;
}

/** Run it with `--json`, expect a failure that is told in one line of JSON. */
export async function failure(
  argv: readonly string[],
  options: MemoryWorldOptions = {},
): Promise<{ code: number; error: ErrorLine; stdout: string }> {
  const ended = await run([...argv, '--json', '-q'], options);
  const { error } = document('error', ended.stderr) as { error: ErrorLine };
  return { code: ended.code, error, stdout: ended.stdout };
}

/** The object under `error` in the JSON form of a failure. */
export interface ErrorLine {
  readonly code: string;
  readonly message: string;
  readonly causes: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

const validators = new Map<string, ValidateFunction>();
const ajv = new Ajv2020({ strict: true, strictTypes: false, formats: {} });

function validator(schema: string): ValidateFunction {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(`../schemas/${schema}.json`, import.meta.url), 'utf8');
  const made = ajv.compile(JSON.parse(text) as object);
  validators.set(schema, made);
  return made;
}

/** A directory for the tests of one file; `path(name)` is inside it. */
export function scratch(): (...names: string[]) => string {
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'cfskit cli '));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));
  return (...names) => join(dir, ...names);
}

import type { Paint } from './color.ts';
import { CliError, UsageError } from './errors.ts';
import { formatJson } from './json.ts';
import { printable } from './printable.ts';

/** An error as it is told to people and programs. */
export interface ErrorReport {
  /** The most specific code: that of the innermost error which has one the documentation lists. */
  readonly code: string;
  readonly message: string;
  /** Messages below the outermost, outer ones first; those that a message above already holds are left out. */
  readonly causes: readonly string[];
  /** The fields the errors carry, an outer one before an inner one of the same name. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** How an error is told. */
export interface ErrorReportOptions {
  /** Codes the documentation lists. Others become INTERNAL, those of the operating system SYSTEM. */
  readonly knownCodes?: ReadonlySet<string>;
}

/** How an error is printed. */
export interface ErrorTextOptions {
  readonly paint?: Paint;
  /** What can be done about it. */
  readonly hint?: string | undefined;
}

/** Fields that get a line of their own when the messages do not hold them already. */
const PLACES = [
  ['source', 'source'],
  ['candidates', 'maybe '],
] as const;
const CHAIN_LIMIT = 16;
const CODE_OF_SYSTEM = /^E[A-Z0-9]+$/;

/** Look through an error and its causes for what there is to tell. Works on the shape, knows no error class. */
export function describeError(error: unknown, options: ErrorReportOptions = {}): ErrorReport {
  const chain = errorChain(error);
  const [message = '', ...causes] = distinctMessages(chain);
  return { code: errorCode(chain, options.knownCodes), message, causes, detail: errorDetail(chain) };
}

/**
 * The report as text, one line per fact:
 *
 *     cfskit: layer 2 of docker://host/app:1: digest mismatch
 *       wanted sha256:6b1f…
 *       found  sha256:0e77…
 *       source https://host/v2/app/blobs/sha256:6b1f…
 *       hint   what to do about it
 */
export function formatErrorText(program: string, report: ErrorReport, { paint = unpainted, hint }: ErrorTextOptions = {}): string {
  const lines = [`${paint('red', `${program}:`)} ${printable(report.message)}`];
  for (const cause of report.causes) lines.push(`  cause  ${printable(cause)}`);
  const wanted = factText(report.detail['expected'] ?? report.detail['wanted']);
  const found = factText(report.detail['actual'] ?? report.detail['found'] ?? report.detail['measured']);
  if (wanted !== undefined && found !== undefined) lines.push(`  wanted ${printable(wanted)}`, `  found  ${printable(found)}`);
  for (const [field, label] of PLACES) {
    const place = factText(report.detail[field]);
    if (place !== undefined && place !== '' && !isTold(report, report.detail[field])) lines.push(`  ${label} ${printable(place)}`);
  }
  if (hint !== undefined) lines.push(`  hint   ${hint}`);
  return `${lines.join('\n')}\n`;
}

function unpainted(_: unknown, text: string): string {
  return text;
}

/** Whether the messages hold a value, or each of several, already. */
function isTold(report: ErrorReport, value: unknown): boolean {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.every((item) => [report.message, ...report.causes].some((text) => text.includes(factText(item) ?? '')));
}

/** The report as one line: `{"error":{"code","message","causes","detail"}}`. */
export function formatErrorJson(report: ErrorReport): string {
  const { code, message, causes, detail } = report;
  return formatJson({ error: { code, message, causes, detail } }, { indent: false });
}

/** `error` and what it was caused by, outermost first. Ends at a loop. */
export function errorChain(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let next = error; next !== undefined && next !== null && chain.length < CHAIN_LIMIT && !chain.includes(next);) {
    chain.push(next);
    if (next instanceof UsageError) break; // its cause is the parser's wording of the same thing
    next = next instanceof Error ? next.cause : undefined;
  }
  return chain;
}

function distinctMessages(chain: readonly unknown[]): string[] {
  const messages: string[] = [];
  for (const error of chain) {
    const message = error instanceof Error ? error.message || error.name : String(error);
    if (!messages.some((above) => above.includes(message))) messages.push(message);
  }
  return messages;
}

function errorCode(chain: readonly unknown[], known: ReadonlySet<string> | undefined): string {
  const listed = chain.findLast((error) => isListed(error, known));
  return codeOf(listed) ?? (chain.some(isSystemError) ? 'SYSTEM' : 'INTERNAL');
}

function isListed(error: unknown, known: ReadonlySet<string> | undefined): boolean {
  const code = codeOf(error);
  if (code === undefined) return false;
  return error instanceof CliError || (known === undefined ? !CODE_OF_SYSTEM.test(code) : known.has(code));
}

function isSystemError(error: unknown): boolean {
  return CODE_OF_SYSTEM.test(codeOf(error) ?? '');
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function errorDetail(chain: readonly unknown[]): Record<string, unknown> {
  const detail: Record<string, unknown> = {};
  for (const error of chain) {
    for (const [key, value] of Object.entries(errorFields(error))) {
      const plain = OWN_FIELDS.has(key) ? undefined : plainValue(value, 0);
      if (plain !== undefined && !(key in detail)) detail[key] = plain;
    }
    if (isSystemError(error)) detail['errno'] ??= codeOf(error);
  }
  return detail;
}

/** What an error carries besides its message: its own fields, and those of the object it keeps under `detail` or `context`. */
function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return {};
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(error)) {
    if (GROUPS.has(key) && typeof value === 'object' && value !== null) Object.assign(fields, value);
    else fields[key] = value;
  }
  return fields;
}

const GROUPS: ReadonlySet<string> = new Set(['detail', 'context']);
const OWN_FIELDS: ReadonlySet<string> = new Set(['code', 'errno', 'cause', 'name', 'message', 'stack']);

/** What JSON can hold of a field: texts, numbers, booleans, and lists and objects of these two levels deep. */
function plainValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || depth > 2 || ArrayBuffer.isView(value)) return undefined;
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => plainValue(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, plainValue(item, depth + 1)])
      .filter(([, item]) => item !== undefined),
  );
}

function factText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return value.toString();
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(', ');
  if (typeof value === 'object' && value !== null && 'digest' in value && typeof value.digest === 'string') return value.digest;
  return undefined;
}

/** One demand for a login, such as `Bearer realm="https://auth.example/token",service="registry"`. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** By lower-case name; of two with one name the first counts. */
  readonly params: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const GAP = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;
const EQUALS = /[ \t]*=[ \t]*/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

/**
 * Parse `WWW-Authenticate`: any number of challenges in one value, quoted strings with commas and escapes, any letter case. What
 * comes after something unreadable is dropped.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#name-www-authenticate}
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const scanner = new Scanner(header);
  const challenges: Challenge[] = [];
  for (;;) {
    scanner.match(SEPARATORS);
    const scheme = scanner.match(TOKEN)?.[0];
    if (scheme === undefined) return challenges;
    scanner.match(GAP);
    if (scanner.match(TOKEN68) === undefined) challenges.push({ scheme: scheme.toLowerCase(), params: readParams(scanner) });
    else challenges.push({ scheme: scheme.toLowerCase(), params: new Map() });
  }
}

function readParams(scanner: Scanner): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  for (;;) {
    const start = scanner.at;
    scanner.match(SEPARATORS);
    const name = scanner.match(TOKEN)?.[0].toLowerCase();
    if (name === undefined || scanner.match(EQUALS) === undefined) {
      scanner.at = start; // the next challenge, or the end
      return params;
    }
    const value = readValue(scanner);
    if (value === undefined) {
      scanner.at = Number.MAX_SAFE_INTEGER;
      return params;
    }
    if (!params.has(name)) params.set(name, value);
  }
}

function readValue(scanner: Scanner): string | undefined {
  const quoted = scanner.match(QUOTED)?.[1];
  return quoted === undefined ? scanner.match(TOKEN)?.[0] : quoted.replaceAll(/\\(.)/g, '$1');
}

class Scanner {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  match(sticky: RegExp): RegExpExecArray | undefined {
    if (this.at > this.#text.length) return undefined;
    sticky.lastIndex = this.at;
    const match = sticky.exec(this.#text);
    if (match === null) return undefined;
    this.at = sticky.lastIndex;
    return match;
  }
}

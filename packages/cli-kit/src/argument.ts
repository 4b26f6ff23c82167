/** One declared positional argument. `name` is how the help writes it: `SOURCE`. */
export interface ArgumentSpec {
  readonly name: string;
  readonly description: string;
  readonly optional?: boolean;
  /** Takes all that is left; at least one unless `optional`. Only the last argument may have it. */
  readonly variadic?: boolean;
}

/** Declared arguments in the order they are given, by the key `run` finds them under. */
export type ArgumentSpecs = Readonly<Record<string, ArgumentSpec>>;

/** The texts a set of declared arguments parses to. */
export type ArgumentValues<A extends ArgumentSpecs> = {
  readonly [K in keyof A]: A[K] extends { readonly variadic: true }
    ? readonly string[]
    : A[K] extends { readonly optional: true }
      ? string | undefined
      : string;
};

/** The argument as it is written in a synopsis: `SOURCE`, `[NAME]`, `ID...`. */
export function argumentUsage(spec: ArgumentSpec): string {
  const name = spec.variadic === true ? `${spec.name}...` : spec.name;
  return spec.optional === true ? `[${name}]` : name;
}

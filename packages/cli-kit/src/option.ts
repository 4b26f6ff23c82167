interface OptionBase {
  /** One letter, without the dash. */
  readonly short?: string;
  /** A sentence without a full stop, for the help. */
  readonly description: string;
  /** Names of options that exclude this one. */
  readonly conflicts?: readonly string[];
  /** Known and never accepted: the sentence that says why. Hidden in the help. */
  readonly refused?: string;
}

/** Present or not. */
export interface BooleanOption extends OptionBase {
  readonly type: 'boolean';
}

/** How often it was given: `-vv` is 2. */
export interface CountOption extends OptionBase {
  readonly type: 'count';
}

/** Takes a text. `value` names it in the help; with `multiple` the option may be repeated. */
export interface StringOption extends OptionBase {
  readonly type: 'string';
  readonly value: string;
  readonly default?: string;
  /** What the help prints as the default where the value is found out at run time. */
  readonly defaultText?: string;
  readonly choices?: readonly string[];
  readonly multiple?: boolean;
  /** What the option means without a value. A value is then written with `=`, or as the next word if that is one of `choices`. */
  readonly implied?: string;
}

/** Takes a whole number between `min` and `max`, both included. */
export interface IntegerOption extends OptionBase {
  readonly type: 'integer';
  readonly value: string;
  readonly min: number;
  readonly max: number;
  readonly default?: number;
  readonly defaultText?: string;
}

/** One declared option: parsing, help and the reference in the documentation all come from it. */
export type OptionSpec = BooleanOption | CountOption | StringOption | IntegerOption;

/** Declared options by long name without the dashes (`dry-run`). */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type TextOf<O extends StringOption> = O extends { readonly choices: readonly (infer C extends string)[] } ? C : string;

type ValueOf<O extends OptionSpec> = O extends BooleanOption
  ? boolean
  : O extends CountOption
    ? number
    : O extends StringOption
      ? O extends { readonly multiple: true }
        ? readonly TextOf<O>[]
        : O extends { readonly default: string }
          ? TextOf<O>
          : TextOf<O> | undefined
      : O extends { readonly default: number }
        ? number
        : number | undefined;

/** The values a set of declared options parses to, by long name. */
export type OptionValues<O extends OptionSpecs> = { readonly [K in keyof O]: ValueOf<O[K]> };

/** The value an option has when it is not given. */
export function defaultValue(spec: OptionSpec): boolean | number | string | readonly string[] | undefined {
  switch (spec.type) {
    case 'boolean':
      return false;
    case 'count':
      return 0;
    case 'string':
      return spec.multiple === true ? [] : spec.default;
    default:
      return spec.default;
  }
}

/** The option as it is written in the help: `-n, --dry-run`, `--jobs N`, `--tls-verify[=BOOL]`. */
export function optionFlags(name: string, spec: OptionSpec): string {
  const isImplied = spec.type === 'string' && spec.implied !== undefined;
  const value = takesValue(spec) ? (isImplied ? `[=${spec.value}]` : ` ${spec.value}`) : '';
  const long = `--${name}${value}`;
  return spec.short === undefined ? long : `-${spec.short}, ${long}`;
}

/** Whether there is something behind the option's name. */
export function takesValue(spec: OptionSpec): spec is StringOption | IntegerOption {
  return spec.type === 'string' || spec.type === 'integer';
}

/** The default as the help prints it, if there is one worth printing. */
export function defaultText(spec: OptionSpec): string | undefined {
  if (!takesValue(spec)) return undefined;
  return spec.defaultText ?? spec.default?.toString();
}

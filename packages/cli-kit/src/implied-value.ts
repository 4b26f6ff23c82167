import { takesValue, type OptionSpec, type OptionSpecs } from './option.ts';

/**
 * Write the values out of options that may come without one: `--tls-verify` becomes `--tls-verify=true`, so that the parser does not take
 * the next word for it.
 */
export function withImplied(specs: OptionSpecs, argv: readonly string[]): readonly string[] {
  let isValue = false;
  let isOver = false;
  return argv.map((word, i) => {
    if (isOver || isValue) {
      isValue = false;
      return word;
    }
    isOver = word === '--';
    const implied = impliedValue(specs, word, argv[i + 1]);
    if (implied !== undefined) return `${word}=${implied}`;
    isValue = takesNextWord(specs, word);
    return word;
  });
}

function impliedValue(specs: OptionSpecs, word: string, next: string | undefined): string | undefined {
  const spec = longOption(specs, word);
  if (spec?.type !== 'string' || spec.implied === undefined) return undefined;
  return next !== undefined && spec.choices?.includes(next) === true ? undefined : spec.implied;
}

function takesNextWord(specs: OptionSpecs, word: string): boolean {
  const long = longOption(specs, word);
  if (long !== undefined) return takesValue(long);
  if (!/^-[^-]/.test(word)) return false;
  const isValued = (letter: string): boolean => Object.values(specs).some((spec) => spec.short === letter && takesValue(spec));
  const valued = word.slice(1).split('').findIndex(isValued);
  return valued >= 0 && valued === word.length - 2; // what stands behind it in the same word is its value
}

function longOption(specs: OptionSpecs, word: string): OptionSpec | undefined {
  const name = word.slice(2);
  return word.startsWith('--') && Object.hasOwn(specs, name) ? specs[name] : undefined;
}

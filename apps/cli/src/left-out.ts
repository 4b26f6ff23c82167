const COMMANDS: readonly string[] = ['ostree', 'oci prepare-boot', 'prepare-boot', 'compute-karg', 'varlink', 'oci varlink', 'setup-root'];

/**
 * The sentence for what cfsctl has and this program will not have, or undefined.
 *
 * @param words the command line from its first word on
 */
export function leftOut(words: readonly string[]): string | undefined {
  const named = COMMANDS.find((name) => name.split(' ').every((word, index) => words[index] === word)) ?? byShape(words);
  return named === undefined ? undefined : `${named}: ${LEFT_OUT}`;
}

/** What is said, behind its name, about a command or option that is left out for good. */
export const LEFT_OUT: string = 'not part of this tool (boot and ostree integration); cfsctl has it';

/** `fetch URL NAME` differs from fetching an image by the missing `--output`, `mount --fuse` from mounting by its option. */
function byShape(words: readonly string[]): string | undefined {
  const [first, ...rest] = words;
  const hasOption = (option: string): boolean => rest.some((word) => word === option || word.startsWith(`${option}=`));
  if (first === 'fetch' && !hasOption('--output') && rest.some((word) => /^https?:\/\//.test(word))) return 'fetch URL NAME';
  if ((first === 'mount' || (first === 'oci' && rest[0] === 'mount')) && hasOption('--fuse')) return 'mount --fuse';
  return undefined;
}

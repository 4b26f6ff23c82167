/** Edits between two words: insert, delete, replace or swap two neighbours (Damerau, restricted form). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/**
 * The `count` names nearest to `word`, nearest first, equals in the order given.
 *
 * @param maxDistance names further away are left out; without it there are always `count` of them
 */
export function nearest(word: string, names: Iterable<string>, count: number, maxDistance: number = Infinity): string[] {
  const wanted = word.slice(0, 256);
  return [...names]
    .map((name) => ({ name, distance: distanceTo(wanted, name.slice(0, 256)) }))
    .filter(({ distance }) => distance <= maxDistance)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name);
}

/** A name that begins with the word is nearer than its length says: `imag` means `images`. */
function distanceTo(word: string, name: string): number {
  if (word !== '' && name.startsWith(word)) return Math.min(1, name.length - word.length);
  return editDistance(word, name);
}

/** `'a'`, `'a' or 'b'`, `'a', 'b' or 'c'`. */
export function alternatives(names: readonly string[]): string {
  const quoted = names.map((name) => `'${name}'`);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}

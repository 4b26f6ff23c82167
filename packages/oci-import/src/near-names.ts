const SUGGESTIONS = 3;
/** Longer names are compared by their beginnings: the table has as many fields as the product of both lengths. */
const LONGEST = 128;

/** Up to three names that somebody may have meant: those that begin like the word, or differ in a third of it at most. */
export function nearNames(word: string, names: readonly string[]): readonly string[] {
  const furthest = Math.max(1, Math.floor(word.length / 3));
  return names
    .map((name) => ({ name, distance: name.startsWith(word) ? 0 : editDistance(word.slice(0, LONGEST), name.slice(0, LONGEST)) }))
    .filter(({ distance }) => distance <= furthest)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, SUGGESTIONS)
    .map(({ name }) => name);
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = row[j]! + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

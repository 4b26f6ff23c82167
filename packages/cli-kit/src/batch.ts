const BATCH_CHARACTERS = 64 * 1024;

/** Join lines to texts of about 64 KiB, each line ended by `end`: one write for thousands of short lines. */
export async function* batchLines(lines: Iterable<string> | AsyncIterable<string>, end: string = '\n'): AsyncGenerator<string, void> {
  let text = '';
  for await (const line of lines) {
    text += line + end;
    if (text.length < BATCH_CHARACTERS) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** Pass texts on, but not before there are more than `characters` of them or all have come: what fails before that has said nothing. */
export async function* heldBack(texts: AsyncIterable<string>, characters: number): AsyncGenerator<string, void> {
  const held: string[] = [];
  let length = 0;
  for await (const text of texts) {
    held.push(text);
    length += text.length;
    if (length > characters) yield* held.splice(0);
  }
  yield* held;
}

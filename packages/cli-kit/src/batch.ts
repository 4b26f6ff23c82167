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

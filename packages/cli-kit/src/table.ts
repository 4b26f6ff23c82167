/** Rows of texts under headings. Cells hold one line each. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * The table as lines with two spaces between columns and nothing behind the last one: the form for pipes and files.
 *
 * Widths are counted in characters, not in terminal columns, so that the lines never depend on the locale.
 */
export function formatPlainTable(table: Table): string[] {
  const lines = [table.head, ...table.rows];
  const widths = table.head.map((_, column) => Math.max(...lines.map((line) => characters(line[column] ?? ''))));
  return lines.map((line) =>
    line
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - characters(cell))))
      .join('  ')
      .trimEnd(),
  );
}

/** The table with a box around it: the form for terminals. Loads its library when called. */
export async function formatBoxTable(table: Table): Promise<string[]> {
  const { default: BoxTable } = await import('cli-table3');
  const box = new BoxTable({
    head: [...table.head],
    style: { head: [], border: [], compact: true },
    chars: { middle: '┆', mid: '═', 'left-mid': '╞', 'mid-mid': '╪', 'right-mid': '╡' },
  });
  for (const row of table.rows) box.push([...row]);
  return box.toString().split('\n');
}

function characters(text: string): number {
  return Array.from(text).length;
}

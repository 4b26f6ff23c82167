import { expect, it } from 'vitest';
import { formatBoxTable, formatPlainTable } from '../src/table.ts';

const table = {
  head: ['NAME', 'DIGEST', 'ARCH'],
  rows: [
    ['demo:latest', 'fa7c16a04617', 'amd64'],
    ['ü', '9e3b17518042', ''],
  ],
};

it('has two spaces between columns and none at the end', () => {
  expect(formatPlainTable(table)).toEqual([
    'NAME         DIGEST        ARCH',
    'demo:latest  fa7c16a04617  amd64',
    'ü            9e3b17518042',
  ]);
});

it('has a box on a terminal, as cfsctl draws it', async () => {
  expect(await formatBoxTable(table)).toEqual([
    '┌─────────────┬──────────────┬───────┐',
    '│ NAME        ┆ DIGEST       ┆ ARCH  │',
    '╞═════════════╪══════════════╪═══════╡',
    '│ demo:latest ┆ fa7c16a04617 ┆ amd64 │',
    '│ ü           ┆ 9e3b17518042 ┆       │',
    '└─────────────┴──────────────┴───────┘',
  ]);
});

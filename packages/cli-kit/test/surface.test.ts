import { expect, it } from 'vitest';
import * as surface from '../src/index.ts';
import * as testing from '../src/testing.ts';

it('exports these names and no others', () => {
  expect(Object.keys(surface).toSorted()).toMatchInlineSnapshot(`
    [
      "CliError",
      "InterruptedError",
      "OutputClosedError",
      "UsageError",
      "alternatives",
      "batchLines",
      "commandHelp",
      "commandNames",
      "commandReference",
      "createOutputFile",
      "decodeUtf8",
      "defineCommand",
      "describeError",
      "exitCodes",
      "findCommand",
      "formatBoxTable",
      "formatErrorJson",
      "formatErrorText",
      "formatJson",
      "formatPlainTable",
      "globalOptions",
      "main",
      "nearest",
      "printable",
      "printableName",
      "processWorld",
      "programHelp",
      "runProgram",
    ]
  `);
  expect(Object.keys(testing)).toEqual(['memoryWorld']);
});

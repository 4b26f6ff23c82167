import { parseArgs } from 'node:util';
import { benchImport } from './import.ts';

const USAGE = `usage: pnpm bench import [--megabytes N] [--layout DIR --tag TAG] [--pairs N] [--no-disk]
Build first (pnpm build): whole processes are timed.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    megabytes: { type: 'string', default: '300' },
    layout: { type: 'string' },
    tag: { type: 'string' },
    pairs: { type: 'string', default: '5' },
    disk: { type: 'boolean', default: true },
  },
});

if (positionals[0] === 'import') {
  const { megabytes, pairs, layout, tag, disk } = values;
  await benchImport({ megabytes: Number(megabytes), pairs: Number(pairs), layout, tag, disk });
} else {
  process.stderr.write(USAGE);
  process.exitCode = 2;
}

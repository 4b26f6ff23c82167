import { parseArgs } from 'node:util';
import { benchFetch } from './fetch.ts';
import { benchImages } from './images.ts';
import { benchImport } from './import.ts';

const USAGE = `usage: pnpm bench import [--megabytes N] [--layout DIR --tag TAG] [--pairs N] [--no-disk]
       pnpm bench images [--entries N] [--pairs N]
       pnpm bench fetch [--pairs N]
Build first (pnpm build): whole processes are timed.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    megabytes: { type: 'string', default: '300' },
    layout: { type: 'string' },
    tag: { type: 'string' },
    entries: { type: 'string', default: '100000' },
    pairs: { type: 'string', default: '5' },
    disk: { type: 'boolean', default: true },
  },
});

if (positionals[0] === 'import') {
  const { megabytes, pairs, layout, tag, disk } = values;
  await benchImport({ megabytes: Number(megabytes), pairs: Number(pairs), layout, tag, disk });
} else if (positionals[0] === 'images') {
  await benchImages({ entries: Number(values.entries), pairs: Number(values.pairs) });
} else if (positionals[0] === 'fetch') {
  await benchFetch({ megabytes: [1024, 300], pairs: Number(values.pairs) });
} else {
  process.stderr.write(USAGE);
  process.exitCode = 2;
}

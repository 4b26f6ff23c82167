// Prints the dump of a directory, or the code of the error.
import { dumpLines } from '@cfskit/fs-tree';
import { FsScanError, scanDirectory } from '../../src/index.ts';

const [path = '', options = '{}'] = process.argv.slice(2);
try {
  const { root } = await scanDirectory(path, { algorithm: 'sha256', ...(JSON.parse(options) as object) });
  for (const line of dumpLines(root)) process.stdout.write(`${line}\n`);
} catch (error) {
  if (!(error instanceof FsScanError)) throw error;
  process.stdout.write(`${error.code} ${error.message}\n`);
}

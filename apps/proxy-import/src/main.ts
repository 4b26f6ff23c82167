import { main } from '@cfskit/cli-kit';
import { proxyImportProgram } from './program.ts';

await main(proxyImportProgram);

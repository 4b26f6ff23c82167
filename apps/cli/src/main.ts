import { main } from '@cfskit/cli-kit';
import { cfskit } from './program.ts';

await main(cfskit);

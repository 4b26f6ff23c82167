import { main } from '@cfskit/cli-kit';
import { classicProgram } from './program.ts';

// The first argument is the name that the program was started under.
const [name = ''] = process.argv.splice(2, 1);
const program = classicProgram(name);
if (program === undefined) throw new TypeError(`no program ${name}`);
await main(program);

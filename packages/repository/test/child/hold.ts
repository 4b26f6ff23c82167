// Opens a repository, says so, and keeps it open until its standard input ends.
import { openRepository } from '../../src/index.ts';

const repository = await openRepository(process.argv[2] ?? '');
process.stdout.write('open\n');
process.stdin.on('end', () => void repository.close());
process.stdin.resume();

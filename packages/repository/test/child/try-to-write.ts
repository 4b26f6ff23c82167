// Reads a repository, then tries to write, and prints the error as JSON.
import { openRepository } from '../../src/index.ts';

const repository = await openRepository(process.argv[2] ?? '');
const report = await repository.fsck();
const refs = repository.listRefs().length;
const codes: unknown[] = [];
const attempts: readonly (() => unknown)[] = [
  () => repository.ensureWritable(),
  () => repository.createStreamWriter(0n),
  () => repository.gc(),
  () => repository.nameStream('stream', 'other'),
  () => repository.removeRef('ref'),
  () => repository.writeImage(new Uint8Array(1)),
];
for (const attempt of attempts) {
  try {
    await attempt();
    codes.push('none');
  } catch (error) {
    codes.push([(error as { code?: string }).code, (error as Error).message]);
  }
}
const dryRun = await repository.gc({ dryRun: true });
process.stdout.write(JSON.stringify({ errors: report.errors, refs, codes, removed: dryRun.objectsRemoved }));
await repository.close();

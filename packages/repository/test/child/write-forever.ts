// Stores streams that refer to objects, and collects now and then, until it is killed.
import { openRepository } from '../../src/index.ts';

const repository = await openRepository(process.argv[2] ?? '');
process.stdout.write('open\n');
for (let round = 0; ; round++) {
  const writer = repository.createStreamWriter(0n);
  for (let index = 0; index < 20; index++) {
    const content = new Uint8Array(1000 + round * 7 + index).fill(index);
    const { id } = repository.objects.putSync(content);
    writer.external(id, content.byteLength);
  }
  await repository.writeStream(writer, `stream-${round % 5}`, { ref: `ref-${round % 3}` });
  if (round % 4 === 3) await repository.gc();
}

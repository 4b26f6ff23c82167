import { CONTENT_TYPE } from '@cfskit/splitstream';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatFsckReport, formatGcResult, fsckJson, openRepository, type Repository } from '../src/index.ts';
import { newRepository, temporaryDirectory, testData, tree } from './support.ts';

const hasCfsctl = spawnSync('cfsctl', ['--version']).status === 0;

function cfsctl(...args: readonly string[]): string {
  return execFileSync('cfsctl', args, { encoding: 'utf8' });
}

function mismatches(errors: readonly string[]): readonly string[] {
  return errors.filter((text) => text.includes('digest-mismatch')).toSorted();
}

/** Two streams that share an object, one of them in use. */
async function fill(repository: Repository): Promise<void> {
  const shared = repository.objects.putSync(testData(100_000));
  for (const name of ['used', 'unused']) {
    const writer = repository.createStreamWriter(CONTENT_TYPE.layer);
    writer.inline(new TextEncoder().encode(name));
    writer.external(shared.id, shared.size);
    const own = repository.objects.putSync(new TextEncoder().encode(name.repeat(1000)));
    writer.external(own.id, own.size);
    await repository.writeStream(writer, name, name === 'used' ? { ref: 'some/ref' } : {});
  }
}

describe.runIf(hasCfsctl).each(['sha256', 'sha512'] as const)('%s', (algorithm) => {
  it('cfsctl checks, reads and collects what we wrote', async () => {
    const repository = await newRepository({ algorithm });
    await fill(repository);
    const { findings: _, ...json } = fsckJson(await repository.fsck());
    expect(JSON.parse(cfsctl('--repo', repository.path, 'fsck', '--json'))).toEqual(json);
    expect(cfsctl('--repo', repository.path, 'fsck')).toBe(formatFsckReport(await repository.fsck()));
    const content = execFileSync('cfsctl', ['--repo', repository.path, 'cat', 'used']);
    expect(content.equals(Buffer.concat([Buffer.from('used'), testData(100_000), Buffer.from('used'.repeat(1000))]))).toBe(true);
    const planned = await repository.gc({ dryRun: true });
    await repository.close();
    expect(cfsctl('--repo', repository.path, 'gc')).toBe(formatGcResult(planned, false));
    const again = await openRepository(repository.path);
    expect(await again.gc()).toMatchObject({ objectsRemoved: 0, streamsPruned: 0 });
    await again.close();
  });
  it('we make what cfsctl makes', async () => {
    const ours = await newRepository({ algorithm });
    const theirs = join(temporaryDirectory(), 'theirs');
    cfsctl('init', '--insecure', '--algorithm', `fsverity-${algorithm}-12`, theirs);
    expect(readFileSync(join(theirs, 'meta.json'), 'utf8')).toBe(readFileSync(join(ours.path, 'meta.json'), 'utf8'));
    const opened = await openRepository(theirs);
    onTestFinished(() => opened.close());
    await fill(opened);
    await fill(ours);
    expect(tree(theirs)).toEqual(tree(ours.path));
  });
  it('both keep each other out of a collection', async () => {
    const repository = await newRepository({ algorithm });
    const transaction = spawn('cfsctl', ['--repo', repository.path, 'transaction'], { stdio: 'pipe' });
    onTestFinished(() => void transaction.kill());
    await expect.poll(() => repository.gc({ lockTimeoutMs: 0 }).catch((error: unknown) => error)).toMatchObject({ code: 'LOCK_TIMEOUT' });
    const exited = once(transaction, 'exit');
    transaction.kill();
    await exited;
    expect(await repository.gc({ lockTimeoutMs: 5000 })).toMatchObject({ objectsRemoved: 0 });
    const collection = spawn('cfsctl', ['--repo', repository.path, 'gc'], { stdio: 'pipe' });
    onTestFinished(() => void collection.kill());
    const { id } = repository.objects.putSync(testData(10));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(collection.exitCode).toBe(null);
    expect(repository.objects.hasSync(id)).toBe(true);
    const collected = once(collection, 'exit');
    await repository.close();
    expect(await collected).toEqual([0, null]);
  });
  it('cfsctl finds the damage that we find', async () => {
    const repository = await newRepository({ algorithm });
    await fill(repository);
    for (const id of (await Array.fromAsync(repository.objects.list())).slice(0, 2))
      writeFileSync(repository.objects.pathOf(id), 'damaged');
    const ours = fsckJson(await repository.fsck());
    const theirs = JSON.parse(cfsctl('--repo', repository.path, 'fsck', '--json')) as typeof ours;
    expect(theirs.objects_corrupted).toBe(2);
    expect(theirs.objects_corrupted).toBe(ours.objects_corrupted);
    expect(mismatches(ours.errors)).toEqual(mismatches(theirs.errors));
  });
});

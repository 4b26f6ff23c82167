import { image, tar, tarLayer } from '@cfskit/fixtures';
import { collectingReporter } from '@cfskit/progress';
import type { ProgressEvent, Reporter } from '@cfskit/progress';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { completedEvent } from '../src/index.ts';
import { layerEvents, pull as pullImage, readVectors, withWorkspace } from './workspace.ts';

interface Vectors {
  readonly images: readonly { id: string; files_base64: Readonly<Record<string, string>>; config_digest: string }[];
  readonly progress: {
    image: string;
    fresh: readonly unknown[];
    again: readonly unknown[];
    config_missing_layer_present: readonly unknown[];
  };
}

const { images, progress } = await readVectors<Vectors>('oci-import.json');
const fixture = images.find(({ id }) => id === progress.image)!;

/** An event in the words of the vectors. */
function inVectorForm(event: ProgressEvent): unknown {
  switch (event.type) {
    case 'message':
      return { message: event.text };
    case 'started':
      return { started: event.id, total: event.total, unit: event.unit };
    case 'done':
      return { done: event.id, transferred: event.transferred };
    case 'skipped':
      return { skipped: event.id };
    default:
      return event;
  }
}

function withoutProgress(events: readonly ProgressEvent[]): readonly unknown[] {
  return layerEvents(events)
    .filter((event) => event.type !== 'progress')
    .map(inVectorForm);
}

const objectsOnly = (list: readonly unknown[]): readonly unknown[] => list.filter((entry) => typeof entry === 'object');

describe('events', () => {
  it('are those of the reference for a fresh import, a repeated one, and one whose config went missing', () =>
    withWorkspace(async ({ repository, vectorLayout }) => {
      const source = await vectorLayout(fixture.files_base64);
      const pull = async (): Promise<readonly ProgressEvent[]> => {
        const reporter = collectingReporter();
        await pullImage(repository, source, { reporter });
        return reporter.events;
      };
      const fresh = await pull();
      expect(withoutProgress(fresh)).toEqual(objectsOnly(progress.fresh));
      expect(fresh.findLast((event) => event.type === 'progress')).toMatchObject({ fetched: 155, total: 155 });
      expect(withoutProgress(await pull())).toEqual(progress.again);
      await unlink(join(repository.path, 'streams', `oci-config-${fixture.config_digest}`));
      expect(withoutProgress(await pull())).toEqual(progress.config_missing_layer_present);
    }));

  it('begin with a plan; layers that occur again get a number', () =>
    withWorkspace(async ({ repository, layout }) => {
      const [one, other] = [tarLayer(tar([{ path: 'a', content: 'a' }])), tarLayer(tar([{ path: 'b', content: 'b' }]))];
      const pulled = image({ layers: [one, other, one] });
      const reporter = collectingReporter();
      await pullImage(repository, await layout([{ image: pulled }]), { reporter });
      const size = pulled.blobs.slice(1).reduce((sum, blob) => sum + blob.descriptor.size, 0);
      expect(reporter.events[1]).toEqual({ type: 'plan', components: 4, bytesTotal: size, bytesPresent: 0 });
      const started = reporter.events.filter((event) => event.type === 'started').map((event) => event.id);
      expect(started.toSorted()).toEqual(['config', one.diffId, `${one.diffId}#2`, other.diffId].toSorted());
      const done = reporter.events.filter((event) => event.type === 'done').map((event) => event.id);
      expect(done.toSorted()).toEqual(started.toSorted());
    }));

  it('tell of what is there before anything is read', () =>
    withWorkspace(async ({ repository, layout }) => {
      const [one, other] = [tarLayer(tar([{ path: 'a' }])), tarLayer(tar([{ path: 'b' }]))];
      await pullImage(repository, await layout([{ image: image({ layers: [one] }) }], 'one'));
      const reporter = collectingReporter();
      await pullImage(repository, await layout([{ image: image({ layers: [one, other] }) }], 'both'), { reporter });
      expect(reporter.events[1]).toMatchObject({ type: 'plan', components: 3, bytesPresent: one.descriptor.size });
    }));

  it('end with what the caller sends when everything else is done, too', () =>
    withWorkspace(async ({ repository, layout }) => {
      const result = await pullImage(repository, await layout([{ image: image() }]));
      expect(completedEvent(result)).toEqual({
        type: 'completed',
        manifestDigest: result.manifestDigest,
        configDigest: result.configDigest,
        manifestVerity: result.manifestVerity,
        configVerity: result.configVerity,
        stats: '0 new + 0 already present objects; 0 B stored, 0 B inlined',
      });
    }));

  it('that cannot be delivered break nothing', () =>
    withWorkspace(async ({ repository, layout }) => {
      const reporter: Reporter = {
        report() {
          throw new Error('the pipe is closed');
        },
      };
      const result = await pullImage(repository, await layout([{ image: image({ layers: [tarLayer(tar([]))] }) }]), { reporter });
      expect(result.stats.layers).toBe(1);
    }));
});

import { describe, expect, it } from 'vitest';
import { image, readAll } from './fake/fake-skopeo.ts';
import { channels, fakeForTest, ways } from './fake/fakes.ts';

// Nearly all of the time is waiting, so all wait at once; starting that many takes a while, too, and must not count as a stall.
const stallTimeoutMs = 2500;
const once = { attempts: 1 };
const blobFault = { kind: 'stall', after: 300_000 } as const;

describe.concurrent.each(ways)('a blob from a proxy of version $version, $via', { timeout: 30_000 }, ({ via, version }) => {
  it('that stalls is given up', async () => {
    await using skopeo = fakeForTest({ version, blobFault });
    const source = skopeo.open({ via, stallTimeoutMs, retry: once });
    await expect(readAll(source.open(image.layer))).rejects.toMatchObject({ code: 'STALLED', retryable: true });
    expect(await skopeo.leftBehind()).toEqual([]);
  });

  it('that stalls once is begun again, and goes on where it was', async () => {
    await using skopeo = fakeForTest({ version, blobFault, faults: 1 });
    const bytes = await readAll(skopeo.open({ via, stallTimeoutMs }).open(image.layer));
    expect(bytes.equals(image.layerBytes)).toBe(true);
    expect(skopeo.warnings).toEqual(expect.arrayContaining([expect.stringMatching(/nothing came for 2.5 s; trying again/)]));
    expect(await skopeo.leftBehind()).toEqual([]);
  });
});

describe.concurrent.each(channels)('%s', { timeout: 30_000 }, (via) => {
  it.each(['Initialize', 'OpenImageOptional', 'FinishPipe'])('a proxy that does not answer %s is ended', async (method) => {
    await using skopeo = fakeForTest({ methodFaults: { [method]: 'stall' } });
    const resolving = skopeo.open({ via, stallTimeoutMs, retry: once }).resolve();
    await expect(resolving).rejects.toMatchObject({ code: 'STALLED', retryable: true });
    expect(await skopeo.leftBehind()).toEqual([]);
  });

  it('a cut list of layers is not taken for a shorter one', async () => {
    const layerInfo = [{ digest: image.layer.digest, size: image.layer.size, media_type: 'x' }];
    await using skopeo = fakeForTest({ version: '0.2.6', layerInfo, methodFaults: { GetLayerInfo: 'cut' } });
    const source = skopeo.open({ via, stallTimeoutMs, retry: once }, 'containers-storage:app');
    const resolved = await source.resolve();
    await expect(source.storedLayers(resolved)).rejects.toMatchObject({ code: via === 'packet' ? 'PROTOCOL' : 'STALLED' });
    expect(await skopeo.leftBehind()).toEqual([]);
  });
});

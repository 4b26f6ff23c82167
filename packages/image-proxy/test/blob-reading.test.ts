import { describe, expect, it } from 'vitest';
import { image, readAll } from './fake/fake-skopeo.ts';
import { channels, fakeSkopeo, ways } from './fake/fakes.ts';

const after = 300_000;

describe.each(ways)('a blob from a proxy of version $version, $via', ({ via, version }) => {
  it('goes on where it was when another proxy has to be started', async () => {
    const skopeo = fakeSkopeo({ version, blobFault: { kind: 'die', after }, faults: 1 });
    const bytes = await readAll(skopeo.open({ via }).open(image.layer));
    expect(bytes.equals(image.layerBytes)).toBe(true);
    expect(await skopeo.leftovers()).toEqual([]);
  });

  it('has a size that the source need not know', async () => {
    const skopeo = fakeSkopeo({ version, blobFault: { kind: 'unknown-size' } });
    expect((await readAll(skopeo.open({ via }).open(image.layer))).equals(image.layerBytes)).toBe(true);
  });

  it('of another size than its descriptor says is refused', async () => {
    const skopeo = fakeSkopeo({ version });
    for (const size of [image.layer.size - 1, image.layer.size + 1, 0]) {
      const reading = readAll(skopeo.open({ via }).open({ ...image.layer, size }));
      await expect(reading).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    }
    expect(await skopeo.leftovers()).toEqual([]);
  });

  it('can be empty', async () => {
    const empty = { mediaType: 'text/plain', digest: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', size: 0 };
    const skopeo = fakeSkopeo({ version, blobs: { [empty.digest]: '' } });
    expect(await readAll(skopeo.open({ via }).open(empty))).toHaveLength(0);
    expect(await skopeo.leftovers()).toEqual([]);
  });

  it('can be left early, and the proxy goes on', async () => {
    const skopeo = fakeSkopeo({ version });
    const source = skopeo.open({ via });
    for await (const chunk of source.open(image.layer)) if (chunk.byteLength > 0) break;
    expect((await readAll(source.open(image.layer))).equals(image.layerBytes)).toBe(true);
    expect(skopeo.events().filter((event) => event === 'start')).toHaveLength(1);
    expect(await skopeo.leftovers()).toEqual([]);
  });

  it('is ended by a signal', async () => {
    const skopeo = fakeSkopeo({ version, blobFault: { kind: 'stall', after } });
    const controller = new AbortController();
    const reading = (async () => {
      for await (const chunk of skopeo.open({ via }).open(image.layer, controller)) if (chunk.byteLength > 0) controller.abort();
    })();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    expect(await skopeo.leftovers()).toEqual([]);
  });

  it('is ended by closing the image', async () => {
    const skopeo = fakeSkopeo({ version, blobFault: { kind: 'stall', after } });
    const source = skopeo.open({ via });
    const reading = (async () => {
      for await (const chunk of source.open(image.layer)) if (chunk.byteLength > 0) void source.close();
    })();
    await expect(reading).rejects.toMatchObject({ name: 'ImageProxyError' });
    expect(await skopeo.leftovers()).toEqual([]);
    await expect(readAll(source.open(image.layer))).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

it.each(channels)('is judged only when all of it is here, and so holds up nobody, %s', async (via) => {
  const skopeo = fakeSkopeo({ version: '0.2.3' });
  const source = skopeo.open({ via });
  const first = source.open(image.layer)[Symbol.asyncIterator]();
  await first.next();
  await readAll(source.open(image.config));
  expect(skopeo.events().filter((event) => /Blob|Finish/.test(event))).toEqual(['GetBlob', 'GetBlob', 'FinishPipe']);
  while ((await first.next()).done !== true);
  expect(skopeo.events().filter((event) => event === 'FinishPipe')).toHaveLength(2);
});

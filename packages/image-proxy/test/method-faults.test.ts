import { describe, expect, it } from 'vitest';
import { image, readAll } from './fake/fake-skopeo.ts';
import { channels, fakeSkopeo } from './fake/fakes.ts';
import type { MethodFault } from './fake/plan.ts';

const open = 'OpenImageOptional';

/** The method, what it does, and what it is called. */
const faults: readonly (readonly [method: string, fault: MethodFault, code: string, message: string])[] = [
  ['Initialize', 'die', 'SKOPEO_FAILED', 'was ended by SIGKILL'],
  ['Initialize', 'exit', 'SKOPEO_FAILED', 'ended with status 3'],
  ['Initialize', 'garbage', 'PROTOCOL', 'found "{\\"success\\": maybe}"'],
  [open, 'die', 'PROXY_DIED', 'was ended by SIGKILL'],
  [open, 'garbage', 'PROTOCOL', 'wanted an answer'],
  [open, 'too-long', 'PROTOCOL', ''],
  [open, 'no-reply-but-end', 'PROXY_DIED', 'closed its socket'],
  ['GetManifest', 'exit', 'PROXY_DIED', 'ended with status 3'],
  ['FinishPipe', 'die', 'PROXY_DIED', 'was ended by SIGKILL'],
];

describe.each(channels)('%s', (via) => {
  it.each(faults)('%s that does "%s" gives %s', async (method, fault, code, message) => {
    const skopeo = fakeSkopeo({ methodFaults: { [method]: fault } });
    const error: unknown = await skopeo
      .open({ via, retry: { attempts: 1 } })
      .resolve()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain(message);
    expect(await skopeo.leftovers()).toEqual([]);
  });

  it('a proxy that dies once is started again', async () => {
    const skopeo = fakeSkopeo({ methodFaults: { GetManifest: 'die' }, faults: 1 });
    expect(await skopeo.open({ via }).resolve()).toMatchObject({ descriptor: { size: image.plan.manifest!.length } });
    expect(skopeo.warnings).toEqual([
      expect.stringMatching(/^skopeo's image proxy was ended by SIGKILL; trying again at once \(2 of 3\)$/),
    ]);
    expect(await skopeo.leftovers()).toEqual([]);
  });

  it('a proxy that does not end is ended', async () => {
    const skopeo = fakeSkopeo({ methodFaults: { Shutdown: 'stall' } });
    await skopeo.open({ via }).resolve();
    expect(await skopeo.leftovers()).toEqual([]);
    expect(skopeo.events()).toContain('Shutdown');
  });

  it('an answer that nobody waits for any more is thrown away', async () => {
    const skopeo = fakeSkopeo({ version: '0.2.3' });
    const source = skopeo.open({ via });
    await source.resolve();
    const controller = new AbortController();
    const reading = readAll(source.open(image.layer, controller));
    controller.abort();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    const later = new AbortController();
    const second = readAll(source.open(image.layer, later));
    setImmediate(() => later.abort()); // the request is on its way
    await expect(second).rejects.toMatchObject({ name: 'AbortError' });
    expect((await readAll(source.open(image.layer))).equals(image.layerBytes)).toBe(true);
    expect(await skopeo.leftovers()).toEqual([]);
  });

  it('a reference that is too long is not sent, and does no harm', async () => {
    const skopeo = fakeSkopeo();
    const source = skopeo.open({ via }, `oci:layout:${'x'.repeat(32_000)}`);
    await expect(source.resolve()).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    await source.resolve({ tag: 'short' });
    expect(skopeo.events().filter((event) => event === 'start')).toHaveLength(1);
  });
});

it('tells errors that may pass from others', async () => {
  const passing = fakeSkopeo({ blobFault: { kind: 'refuse', message: 'connection refused', code: 'retryable' } });
  await expect(readAll(passing.open().open(image.layer))).rejects.toMatchObject({ code: 'REFUSED', retryable: true });
  expect(passing.events().filter((event) => event === 'GetRawBlob')).toHaveLength(3);
  const final = fakeSkopeo({ blobFault: { kind: 'refuse', message: 'connection refused', code: 'other' } });
  await expect(readAll(final.open().open(image.layer))).rejects.toMatchObject({ code: 'REFUSED', retryable: false });
  expect(final.events().filter((event) => event === 'GetRawBlob')).toHaveLength(1);
  const passed = fakeSkopeo({ blobFault: { kind: 'refuse', code: 'retryable' }, faults: 2 });
  expect((await readAll(passed.open().open(image.layer))).equals(image.layerBytes)).toBe(true);
});

import { describe, expect, it } from 'vitest';
import { image, readAll, type FakeSkopeo } from './fake/fake-skopeo.ts';
import { fakeSkopeo, ways } from './fake/fakes.ts';
import type { BlobFault } from './fake/plan.ts';

const after = 300_000;

type Row = readonly [fault: BlobFault, code: string, message: string, tries: number];

/** What goes wrong, what it is called, a part of the message, and how often it is tried. */
const faults: readonly Row[] = [
  [{ kind: 'die', after }, 'PROXY_DIED', 'was ended by SIGKILL after 300000 of 700001 bytes', 3],
  [{ kind: 'more' }, 'SIZE_MISMATCH', 'wanted a blob of 700001 bytes, found more', 1],
  [{ kind: 'verdict', message: 'digest mismatch', code: 'other' }, 'REFUSED', 'skopeo: digest mismatch', 1],
  [{ kind: 'refuse-with-pipe' }, 'REFUSED', 'skopeo: no', 1],
  [{ kind: 'no-pipe' }, 'PROTOCOL', 'descriptors from Get', 1],
];

/** Those that have nothing to do with the channel. */
const otherFaults: readonly Row[] = [
  [{ kind: 'die', after: 0 }, 'PROXY_DIED', 'was ended by SIGKILL', 3],
  [{ kind: 'end', after }, 'TRUNCATED', 'after 300000 of 700001 bytes', 3],
  [{ kind: 'refuse', message: 'not there' }, 'REFUSED', 'skopeo: not there', 1],
  [{ kind: 'wrong-size' }, 'SIZE_MISMATCH', 'wanted a blob of 700001 bytes, found 700002', 1],
];

async function failure(skopeo: FakeSkopeo, source: AsyncIterable<Uint8Array>): Promise<unknown> {
  const error = await readAll(source).catch((reason: unknown) => reason);
  expect(await skopeo.leftovers()).toEqual([]);
  return error;
}

describe.each(ways)('a blob from a proxy of version $version, $via', ({ via, version }) => {
  it.each(via === 'packet' ? [...faults, ...otherFaults] : faults)('%o gives %s', async (blobFault, code, message, tries) => {
    const skopeo = fakeSkopeo({ version, blobFault });
    const error = await failure(skopeo, skopeo.open({ via }).open(image.layer));
    expect(error).toMatchObject({ code, digest: image.layer.digest, retryable: tries > 1 });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).toContain('docker://example.org/app:1');
    expect(skopeo.events().filter((event) => event === 'fault')).toHaveLength(tries);
    expect(skopeo.warnings.filter((text) => text.includes('trying again'))).toHaveLength(tries - 1);
  });
});

it('is refused if its pipe is none', async () => {
  const skopeo = fakeSkopeo({ blobFault: { kind: 'not-a-pipe' } });
  await expect(readAll(skopeo.open({ via: 'packet' }).open(image.layer))).rejects.toMatchObject({ code: 'PROTOCOL' });
  expect(await skopeo.leftovers()).toEqual([]);
});

import { afterEach } from 'vitest';
import { FakeSkopeo } from './fake-skopeo.ts';
import type { Plan } from './plan.ts';

const fakes: FakeSkopeo[] = [];
afterEach(async () => {
  await Promise.all(fakes.splice(0).map((fake) => fake.remove()));
});

/** A fake skopeo for the time of one test. */
export function fakeSkopeo(plan: Partial<Plan> = {}): FakeSkopeo {
  const fake = new FakeSkopeo(plan);
  fakes.push(fake);
  return fake;
}

/** A fake skopeo for a test that runs beside others: `await using`. */
export function fakeForTest(plan: Partial<Plan> = {}): FakeSkopeo & AsyncDisposable {
  const fake = new FakeSkopeo(plan);
  return Object.assign(fake, { [Symbol.asyncDispose]: () => fake.remove() });
}

/** Both channels. */
export const channels = ['packet', 'ipc'] as const;

/** Both channels, each with a proxy of either finishing style. */
export const ways: readonly { readonly via: (typeof channels)[number]; readonly version: string }[] = channels.flatMap((via) =>
  ['0.2.3', '0.2.8'].map((version) => ({ via, version })),
);

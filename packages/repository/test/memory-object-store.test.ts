import { describe, it } from 'vitest';
import { MemoryObjectStore, objectStoreChecks } from '../src/testing.ts';

describe.each(['sha256', 'sha512'] as const)('contract, %s', (algorithm) => {
  const checks = objectStoreChecks(() => {
    const store = new MemoryObjectStore(algorithm);
    // oxlint-disable-next-line typescript/require-await -- the interface is asynchronous
    return Promise.resolve({ store, damage: async (id, content) => void store.contents.set(id, content) });
  });
  it.each(checks)('$name', ({ run }) => run());
});

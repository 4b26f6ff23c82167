import { describe, expect, it } from 'vitest';
import { MemoryObjectStore, objectStoreChecks } from '../src/testing.ts';

describe.each(['sha256', 'sha512'] as const)('contract, %s', (algorithm) => {
  const checks = objectStoreChecks(() => {
    const store = new MemoryObjectStore(algorithm);
    return Promise.resolve({ store, damage: async (id, content) => void store.contents.set(id, content) });
  });
  it.each(checks)('$name', async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });
});

export { MemoryObjectStore } from './memory-object-store.ts';
export { objectStoreChecks } from './object-store-checks.ts';

export type { ObjectStoreCheck, ObjectStoreSubject } from './object-store-checks.ts';

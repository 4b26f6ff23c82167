export { caseLayout, caseTar, TAG, writeCase } from './case-layout.ts';
export { loadCases, needsRoot, withoutOwners } from './cases.ts';
export { caseDump, observe } from './observe.ts';

export type { CaseEntry, CaseOutcome, FlattenCase } from './cases.ts';
export type { ObserveOptions } from './observe.ts';

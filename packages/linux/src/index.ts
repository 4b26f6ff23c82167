export { addressOf, openLibrary } from './library.ts';

export type { NativeArgument, NativeFunction } from './koffi.ts';
export type { NativeLibrary } from './library.ts';

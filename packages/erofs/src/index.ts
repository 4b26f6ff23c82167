export { ErofsError } from './errors.ts';
export { FORMAT_VERSIONS } from './format.ts';
export { writeImage } from './write-image.ts';

export type { ErofsErrorCode } from './errors.ts';
export type { FormatVersion, Profile } from './format.ts';
export type { WriteOptions } from './write-image.ts';

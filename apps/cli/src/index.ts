export { cfskit } from './program.ts';

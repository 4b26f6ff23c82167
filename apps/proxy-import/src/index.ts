export { proxyImportProgram } from './program.ts';

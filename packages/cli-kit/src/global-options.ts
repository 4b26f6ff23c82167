import type { OptionValues } from './option.ts';

/** The options every command of every program has, before and after its name. */
export const globalOptions = {
  repo: {
    type: 'string',
    value: 'PATH',
    description: 'Repository directory',
    defaultText: 'CFSKIT_REPO, else --system for root, --user for others',
    conflicts: ['user', 'system'],
  },
  user: { type: 'boolean', description: 'Use the repository of the user, $HOME/.var/lib/composefs', conflicts: ['system'] },
  system: { type: 'boolean', description: 'Use the repository of the system, /sysroot/composefs' },
  hash: {
    type: 'string',
    value: 'NAME',
    choices: ['sha256', 'sha512'],
    description: 'Expected fs-verity algorithm; another one in the repository is an error',
    defaultText: 'what meta.json says',
  },
  'erofs-version': {
    type: 'string',
    value: 'N',
    choices: ['0', '1', '2'],
    description: 'Format of the images made by this run',
    defaultText: "the repository's, else 1",
  },
  'require-verity': { type: 'boolean', description: 'Refuse a repository that does not enforce fs-verity', conflicts: ['insecure'] },
  insecure: { type: 'boolean', description: 'Accept objects and images without fs-verity in this run' },
  'no-upgrade': {
    type: 'boolean',
    description: 'Refuse repositories without meta.json; else they are read as they are, and get one when they are written to',
  },
  'no-repo': {
    type: 'boolean',
    description: 'Do not touch any repository, in commands that can do without',
    conflicts: ['repo', 'user', 'system'],
  },
  'lock-timeout': {
    type: 'integer',
    value: 'SECONDS',
    min: 0,
    max: 86_400,
    description: 'Give up when another process keeps the repository locked for this long',
    defaultText: 'wait',
  },
  json: { type: 'boolean', description: 'Print the result as JSON' },
  progress: {
    type: 'string',
    value: 'MODE',
    choices: ['auto', 'bars', 'plain', 'json', 'none'],
    default: 'auto',
    description: 'How progress is shown on standard error: auto, bars, plain, json or none',
  },
  quiet: { type: 'boolean', short: 'q', description: 'Show no progress, as --progress none' },
  color: {
    type: 'string',
    value: 'WHEN',
    choices: ['auto', 'always', 'never'],
    default: 'auto',
    description: 'Colours on a terminal: auto, always or never',
  },
  log: {
    type: 'string',
    value: 'LEVEL',
    choices: ['error', 'warn', 'info', 'debug', 'trace'],
    description: 'Diagnostics on standard error: error, warn, info, debug or trace',
    defaultText: 'CFSKIT_LOG, else warn',
  },
  verbose: { type: 'count', short: 'v', description: 'More diagnostics; twice adds debug messages and stack traces' },
  help: { type: 'boolean', short: 'h', description: 'Print this help' },
  version: { type: 'boolean', short: 'V', description: 'Print the version' },
} as const;

/** Values of the global options. */
export type GlobalValues = OptionValues<typeof globalOptions>;

#!/usr/bin/env node
// Runs pnpm, in the version package.json names, with a Node.js new enough for the tools:
// yours if it is, else one fetched from the npm registry into npx's cache.
//   node dev.mjs test        node dev.mjs run demo        node dev.mjs install
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE = '24.21.0';
const root = dirname(fileURLToPath(import.meta.url));
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [major, minor] = process.versions.node.split('.').map(Number);

function npx(args, env) {
  const { status, signal, error } = spawnSync('npx', ['--yes', '--loglevel=error', ...args], { cwd: root, env, stdio: 'inherit' });
  if (error) throw error;
  if (signal) process.kill(process.pid, signal);
  process.exit(status ?? 1);
}

// as engines.node says
if (!(major > 24 || (major === 24 && minor >= 11) || (major === 22 && minor >= 18))) {
  if (process.env.DEV_NODE) throw new Error(`Node.js ${process.version} is too old and ${NODE} did not start`);
  const build = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  const runtime = `${build}-${process.platform}-${process.arch}@${NODE}`;
  npx(['-p', runtime, '--', 'node', 'dev.mjs', ...process.argv.slice(2)], { ...process.env, DEV_NODE: NODE });
}

// Native modules compile against the headers that came with this Node.js, without a download.
const prefix = dirname(dirname(process.execPath));
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };
if (existsSync(join(prefix, 'include/node/node_api.h'))) env.npm_config_nodedir ??= prefix;
npx(['-p', packageManager.split('+')[0], '--', 'pnpm', ...process.argv.slice(2)], env);

// Read by Node.js 22.18 and newer only. Starts what was built; in a checkout that was not built, the sources.
'use strict';

const { existsSync } = require('node:fs');
const nodeModule = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const v8 = require('node:v8');

// The young generation stays at 2 MiB, where it would grow to 64 MiB and more as soon as much survives it, as the trees of images do: 100 MiB
// less at the peak for 1.5 % more processor time (docs/decisions/image-writing.md).
v8.setFlagsFromString('--semi-space-growth-factor=1');

const CLASSIC = ['mkcomposefs', 'composefs-info', 'mount.composefs'];
const started = path.basename(process.argv[1] || '').replace(/\.js$/, '');
/** The program that we were started as; anything that is none of the others is the whole. */
const name = CLASSIC.includes(started) ? started : 'cfskit';
const main = name === 'cfskit' ? 'main' : 'main-classic';
const built = path.join(__dirname, `../dist/${main}.js`);
const source = path.join(__dirname, `../src/${main}.ts`);
const args = process.argv.slice(2);

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  printVersion(); // nothing else is loaded for this: scripts ask it often
} else if (existsSync(built)) {
  nodeModule.enableCompileCache();
  if (name !== 'cfskit') process.argv.splice(2, 0, name);
  void import(pathToFileURL(built).href);
} else if (existsSync(source)) {
  runSource();
} else {
  process.stderr.write(`${name}: not built: run "pnpm build" in the checkout, or install @cfskit/cli again\n`);
  process.exitCode = 1;
}

function printVersion() {
  process.stdout.on('error', () => {}); // a reader that has gone is no failure
  process.stdout.write(`${name} ${require('../package.json').version}\n`);
}

/** The packages of a checkout name their sources under a condition of their own, which only a new process can have. */
function runSource() {
  const argv = ['--conditions=source', source, ...(name === 'cfskit' ? [] : [name]), ...args];
  if (process.platform !== 'win32') {
    process.execve(process.execPath, [process.execPath, ...process.execArgv, ...argv], process.env); // does not return
  }
  const { spawnSync } = require('node:child_process');
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...argv], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}

// Read by Node.js 22.18 and newer only. Starts what was built; in a checkout that was not built, the sources.
'use strict';

const { existsSync } = require('node:fs');
const nodeModule = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const built = path.join(__dirname, '../dist/main.js');
const source = path.join(__dirname, '../src/main.ts');

if (existsSync(built)) {
  nodeModule.enableCompileCache();
  void import(pathToFileURL(built).href);
} else if (existsSync(source)) {
  runSource();
} else {
  process.stderr.write('proxy-import: not built: run "pnpm build" in the checkout, or install @cfskit/proxy-import again\n');
  process.exitCode = 1;
}

/** The packages of a checkout name their sources under a condition of their own, which only a new process can have. */
function runSource() {
  const argv = ['--conditions=source', source, ...process.argv.slice(2)];
  if (process.platform !== 'win32') {
    process.execve(process.execPath, [process.execPath, ...process.execArgv, ...argv], process.env); // does not return
  }
  const { spawnSync } = require('node:child_process');
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...argv], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}

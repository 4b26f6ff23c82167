import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../bin', import.meta.url));
let install = '';
beforeEach(() => {
  install = mkdtempSync(join(tmpdir(), 'cfskit-bin-'));
  cpSync(BIN, join(install, 'bin'), { recursive: true });
  writeFileSync(join(install, 'package.json'), JSON.stringify({ type: 'module', version: '1.2.3' }));
});
afterEach(() => rmSync(install, { recursive: true }));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(...argv: readonly string[]): Ended {
  return startFile('bin/cfskit.js', ...argv);
}

function startFile(name: string, ...argv: readonly string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(install, name), ...argv], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

function file(path: string, text: string): void {
  mkdirSync(join(install, path, '..'), { recursive: true });
  writeFileSync(join(install, path), text);
}

it.each(['0.10.48', '4.9.1', '18.20.8', '20.20.2', '22.17.1'])('tells Node.js %s in one line that it is too old', (version) => {
  const source = readFileSync(join(BIN, 'cfskit.js'), 'utf8');
  const code = source.replaceAll(/^#!.*|^\s*\/\/.*/gm, '');
  expect(code).not.toMatch(/\b(const|let|class|async|await|import)\b|=>|`|\?\?/); // what the oldest of them cannot read
  let text = '';
  let status: number | undefined;
  const oldNode = {
    version: `v${version}`,
    versions: { node: version },
    execPath: '/usr/bin/node',
    stderr: { write: (line: string) => (text += line) },
    exit: (given: number) => (status = given),
  };
  new Script(code).runInNewContext({ process: oldNode, require: () => expect.unreachable() });
  expect({ status, text }).toEqual({ status: 1, text: `cfskit: Node.js 22.18 or newer is needed, this is v${version} (/usr/bin/node)\n` });
});

it('knows its version without loading anything else', () => {
  expect(start('--version')).toEqual({ status: 0, stdout: 'cfskit 1.2.3\n', stderr: '' });
  expect(start('-V')).toEqual({ status: 0, stdout: 'cfskit 1.2.3\n', stderr: '' });
});

it('starts what was built', () => {
  file('dist/main.js', 'process.stdout.write(`built ${process.argv.slice(2).join("|")}`); process.exitCode = 7;');
  file('src/main.ts', 'throw new Error("not this one");');
  expect(start('pull', 'a b', '--version')).toEqual({ status: 7, stdout: 'built pull|a b|--version', stderr: '' });
});

it('starts the sources of a checkout that was not built, as sources', () => {
  file(
    'src/main.ts',
    'const argv: string[] = process.argv.slice(2); process.stdout.write(argv.concat(process.execArgv).join("|")); process.exitCode = 7;',
  );
  expect(start('pull', 'a b')).toEqual({ status: 7, stdout: 'pull|a b|--conditions=source', stderr: '' });
});

describe.each(['mkcomposefs', 'composefs-info', 'mount.composefs'])('started as %s', (name) => {
  it('by its own file it is that program', () => {
    file('dist/main-classic.js', 'process.stdout.write(`classic ${process.argv.slice(2).join("|")}`);');
    expect(startFile(`bin/${name}.js`, 'a b', '-x')).toEqual({ status: 0, stdout: `classic ${name}|a b|-x`, stderr: '' });
    expect(startFile(`bin/${name}.js`, '--version')).toEqual({ status: 0, stdout: `${name} 1.2.3\n`, stderr: '' });
  });

  it('by a link of that name, too', () => {
    file('src/main-classic.ts', 'const argv: string[] = process.argv.slice(2); process.stdout.write(argv.join("|"));');
    symlinkSync('cfskit.js', join(install, 'bin', name));
    expect(startFile(`bin/${name}`, 'a b')).toEqual({ status: 0, stdout: `${name}|a b`, stderr: '' });
  });
});

it('says so when there is nothing to start', () => {
  expect(start('pull')).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(/^cfskit: not built: run "pnpm build".*\n$/) });
});

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { backends, decode } from '../src/index.ts';

const isSwitchedOff = process.env['CFSKIT_NO_ISAL'] === '1' || process.env['CFSKIT_NO_KOFFI'] === '1';

/** What a fresh process with these variables says. */
function backendsWith(env: Record<string, string>): ReturnType<typeof backends> {
  const script = `import { backends } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)};
    console.log(JSON.stringify(backends()));`;
  const args = ['--conditions=source', '--input-type=module', '--eval', script];
  const output = execFileSync(process.execPath, args, { env: { ...process.env, ...env }, encoding: 'utf8', cwd: import.meta.dirname });
  return JSON.parse(output) as ReturnType<typeof backends>;
}

it('lists every decoder in the order of preference', () => {
  expect(backends().map(({ name, format }) => `${format} ${name}`)).toEqual([
    'gzip isal',
    'gzip node',
    'zstd zstd-napi',
    'zstd node',
    'gzip fflate',
  ]);
});

it('has what needs no native code', () => {
  const available = backends().filter((backend) => backend.available && backend.name !== 'isal' && backend.name !== 'zstd-napi');
  expect(available.map(({ name, format }) => `${format} ${name}`)).toEqual(['gzip node', 'zstd node', 'gzip fflate']);
});

describe.runIf(process.env['CI'])('in CI', () => {
  it('zstd-napi was built', () => {
    expect(backends()).toContainEqual({ name: 'zstd-napi', format: 'zstd', available: true, detail: 'zstd 1.5.7' });
  });

  it.runIf(process.platform === 'linux' && !isSwitchedOff)('ISA-L is installed', () => {
    expect(backends()).toContainEqual({ name: 'isal', format: 'gzip', available: true, detail: 'libisal.so.2' });
  });
});

it.each([{ CFSKIT_NO_ISAL: '1' }, { CFSKIT_NO_KOFFI: '1' }])('does without ISA-L: %o', (env) => {
  const isal = backendsWith(env).find(({ name }) => name === 'isal');
  expect(isal).toMatchObject({ available: false });
  expect(isal?.detail).toMatch(/CFSKIT_NO_ISAL|koffi/);
});

it('says which decoder is missing', () => {
  expect(() => decode([], { format: 'zstd', backend: 'isal' })).toThrow(expect.objectContaining({ code: 'BACKEND_UNAVAILABLE' }));
  expect(() => decode([], { format: 'zstd', backend: 'isal' })).toThrow('cannot decode zstd');
});

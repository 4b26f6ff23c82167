import { expect, it } from 'vitest';
import { progressMode } from '../src/progress-mode.ts';
import { createProgressDisplay } from '../src/progress-display.ts';
import { memoryWorld } from '../src/testing.ts';

const terminal = { stderrIsTerminal: true };

it.each([
  ['auto', false, terminal, 'bars'],
  ['auto', false, {}, 'plain'],
  ['auto', false, { ...terminal, env: { TERM: 'dumb' } }, 'plain'],
  ['auto', false, { ...terminal, env: { CI: 'true' } }, 'plain'],
  ['bars', false, { ...terminal, env: { CI: 'true' } }, 'bars'],
  ['bars', false, {}, 'plain'],
  ['json', false, terminal, 'json'],
  ['plain', false, terminal, 'plain'],
  ['none', false, terminal, 'none'],
  ['auto', true, terminal, 'none'],
] as const)('--progress %s, quiet %s, %j is %s', (progress, quiet, options, mode) => {
  expect(progressMode({ progress, quiet }, memoryWorld(options).world)).toBe(mode);
});

it.each([
  ['plain', 'config: already present\nx\n'],
  ['json', '{"skipped":{"id":"config"}}\n{"message":"x"}\n'],
  ['none', 'x\n'],
] as const)('%s', (mode, text) => {
  const memory = memoryWorld();
  const display = createProgressDisplay(mode, memory.world);
  display.reporter.report({ type: 'skipped', id: 'config' });
  display.line('x');
  display.close();
  expect(memory.stderr()).toBe(text);
});

it('never lets a broken terminal reach the work', () => {
  const { world } = memoryWorld();
  const broken = { ...world.stderr, write: (): void => expect.unreachable() };
  const display = createProgressDisplay('plain', { ...world, stderr: broken });
  expect(() => display.reporter.report({ type: 'skipped', id: 'config' })).not.toThrow();
});

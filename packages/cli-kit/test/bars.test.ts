import { setTimeout as sleep } from 'node:timers/promises';
import { Tally } from '@cfskit/progress';
import { describe, expect, it } from 'vitest';
import { createBars, frameLines } from '../src/bars.ts';
import { memoryWorld } from '../src/testing.ts';

const layer = `sha256:${'6b1f0a2c3d4e'.padEnd(64, '0')}`;

function runningTally(): Tally {
  const tally = new Tally();
  tally.apply({ type: 'plan', components: 3, bytesTotal: 4096, bytesPresent: 1024 });
  tally.apply({ type: 'started', id: layer, total: 2048, unit: 'bytes' });
  tally.apply({ type: 'progress', id: layer, fetched: 1024 });
  tally.apply({ type: 'started', id: 'objects', unit: 'items' });
  return tally;
}

describe('frameLines', () => {
  it('has a line for each running component and a total', () => {
    expect(frameLines(runningTally(), { columns: 120, rows: 24, elapsedMs: 1500 })).toEqual([
      'layer 6b1f0a2c3d4e [############            ] 1.00 KiB of 2.00 KiB',
      'objects            [                        ] 0',
      'total              [############            ] 2.00 KiB of 4.00 KiB, 0 of 3 components, 1.5 s',
    ]);
  });

  it('fits the window', () => {
    const lines = frameLines(runningTally(), { columns: 30, rows: 4, elapsedMs: 0 });
    expect(lines).toHaveLength(3);
    expect(lines[1]).toBe('… and 1 more');
    for (const line of lines) expect(line.length).toBeLessThan(30);
  });
});

describe('createBars', () => {
  it('leaves finished components as plain lines, clears the rest and shows the cursor again', async () => {
    const memory = memoryWorld({ stderrIsTerminal: true });
    const bars = createBars(memory.world);
    bars.reporter.report({ type: 'started', id: layer, total: 10, unit: 'bytes' });
    bars.reporter.report({ type: 'skipped', id: 'config' });
    await untilDrawn(() => memory.stderr());
    bars.reporter.report({ type: 'done', id: layer, transferred: 10 });
    bars.line('prog: warning: careful');
    bars.close();
    bars.close();
    const text = memory.stderr();
    expect(text).toContain('config already present\n');
    expect(text).toContain('layer 6b1f0a2c3d4e 10 B 0.0 s\n');
    expect(text).toContain('prog: warning: careful\n');
    expect(text.endsWith('\u001B[?25h')).toBe(true);
    expect(text.split('\u001B[?25h')).toHaveLength(2);
  });

  it('shows the cursor again when the process ends in the middle', async () => {
    const memory = memoryWorld({ stderrIsTerminal: true });
    createBars(memory.world).reporter.report({ type: 'started', id: layer, unit: 'bytes' });
    await untilDrawn(() => memory.stderr());
    memory.exit();
    expect(memory.stderr().endsWith('\u001B[?25h')).toBe(true);
  });

  it('writes plain lines only when it is over before anything was drawn', () => {
    const memory = memoryWorld({ stderrIsTerminal: true });
    const bars = createBars(memory.world);
    bars.reporter.report({ type: 'skipped', id: layer });
    bars.close();
    bars.line('later');
    expect(memory.stderr()).toBe('layer 6b1f0a2c3d4e already present\nlater\n');
  });
});

async function untilDrawn(text: () => string): Promise<void> {
  while (!text().includes('total')) await sleep(5);
}

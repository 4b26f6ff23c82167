import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonLinesRenderer, plainRenderer, progressToJson, type ProgressEvent } from '../src/index.ts';

const id = 'sha256:f5603e7e553d3a4f891e8b38f8e347b91fe3a45f30be0491a452d3a76c48e6aa';
const completed = {
  type: 'completed',
  manifestDigest: 'sha256:m',
  configDigest: 'sha256:c',
  manifestVerity: 'mv',
  configVerity: 'cv',
  stats: '1 new + 0 already present objects; 5 B stored, 6 B inlined',
} as const;

const pairs: [ProgressEvent, string][] = [
  [
    { type: 'plan', components: 5, bytesTotal: 83886080, bytesPresent: 1048576 },
    '{"plan":{"components":5,"bytes_total":83886080,"bytes_present":1048576}}',
  ],
  [{ type: 'started', id, total: 10485760, unit: 'bytes' }, `{"started":{"id":"${id}","total":10485760,"unit":"Bytes"}}`],
  [{ type: 'started', id: 'apply-delta', unit: 'items' }, '{"started":{"id":"apply-delta","unit":"Items"}}'],
  [{ type: 'progress', id, fetched: 524288, total: 10485760 }, `{"progress":{"id":"${id}","fetched":524288,"total":10485760}}`],
  [{ type: 'progress', id, fetched: 1 }, `{"progress":{"id":"${id}","fetched":1}}`],
  [{ type: 'skipped', id }, `{"skipped":{"id":"${id}"}}`],
  [{ type: 'done', id, transferred: 10485760 }, `{"done":{"id":"${id}","transferred":10485760}}`],
  [{ type: 'message', text: 'a "b"\n' }, '{"message":"a \\"b\\"\\n"}'],
  [
    completed,
    `{"completed":{"manifest_digest":"sha256:m","config_digest":"sha256:c","manifest_verity":"mv","config_verity":"cv","stats":"${completed.stats}"}}`,
  ],
];

describe('JSON lines', () => {
  it.each(pairs)('%j', (event, text) => {
    const written: string[] = [];
    jsonLinesRenderer((line) => written.push(line)).report(event);
    expect(written).toEqual([`${text}\n`]);
    expect(Object.keys(progressToJson(event))).toHaveLength(1);
  });
  it('have the events of the reference', () => {
    type Frame = string | { started?: string; skipped?: string; done?: string; message?: string; total?: number; transferred?: number };
    const { progress } = JSON.parse(readFileSync(new URL('vectors/progress.json', import.meta.url), 'utf8')) as {
      progress: Record<'fresh' | 'again', Frame[]>;
    };
    const names = [progress.fresh, progress.again].flat().map((frame) => (typeof frame === 'string' ? 'progress' : Object.keys(frame)[0]));
    const ours = new Set(pairs.map(([event]) => Object.keys(progressToJson(event))[0]));
    expect(names.filter((name) => !ours.has(name))).toEqual([]);
  });
});

function render(events: readonly (readonly [time: number, event: ProgressEvent])[]): string {
  let now = 0;
  let text = '';
  const renderer = plainRenderer(
    (line) => {
      text += line;
    },
    () => now,
  );
  for (const [time, event] of events) {
    now = time;
    renderer.report(event);
  }
  return text;
}

describe('plain lines', () => {
  it('one when a component starts and when it ends, a total every ten seconds', () => {
    const text = render([
      [0, { type: 'plan', components: 3, bytesTotal: 83886080, bytesPresent: 1048576 }],
      [0, { type: 'message', text: 'Importing 3 layers' }],
      [1, { type: 'skipped', id: `${id}#2` }],
      [10, { type: 'started', id, total: 10485760, unit: 'bytes' }],
      [5_000, { type: 'progress', id, fetched: 5_000 }],
      [10_000, { type: 'progress', id, fetched: 1048576 }],
      [19_999, { type: 'progress', id, fetched: 5242880 }],
      [20_010, { type: 'done', id, transferred: 10485760 }],
      [20_010, { type: 'started', id: 'image', total: 1, unit: 'items' }],
      [21_510, { type: 'done', id: 'image', transferred: 1 }],
      [31_000, completed],
    ]);
    expect(text.split('\n')).toEqual([
      '3 components, 80.00 MiB, 1.00 MiB already present',
      'Importing 3 layers',
      'layer f5603e7e553d#2: already present',
      'layer f5603e7e553d: started, 10.00 MiB',
      'total: 2.00 MiB of 80.00 MiB (2%), 1 of 3 components',
      'layer f5603e7e553d: 10.00 MiB in 20.0 s',
      'total: 11.00 MiB of 80.00 MiB (13%), 2 of 3 components',
      'image: started, 1 item',
      'image: 1 item in 1.5 s',
      'completed in 31.0 s: 1 new + 0 already present objects; 5 B stored, 6 B inlined',
      '',
    ]);
  });
  it('does without a plan, totals and beginnings', () => {
    const text = render([
      [0, { type: 'started', id: 'x', unit: 'bytes' }],
      [1, { type: 'done', id: 'y', transferred: 3 }],
      [10_000, { type: 'progress', id: 'x', fetched: 7 }],
    ]);
    expect(text).toBe('x: started\ny: 3 B in 0.0 s\ntotal: 10 B, 1 of 2 components\n');
  });
  it('nothing that steers a terminal, whatever the events hold', () => {
    const text = fc.string({ unit: 'binary' });
    const event: fc.Arbitrary<ProgressEvent> = fc.oneof(
      fc.record({ type: fc.constant('started' as const), id: text, unit: fc.constant('bytes' as const) }),
      fc.record({ type: fc.constant('skipped' as const), id: text }),
      fc.record({ type: fc.constant('done' as const), id: text, transferred: fc.nat() }),
      fc.record({ type: fc.constant('message' as const), text }),
      text.map((stats) => Object.assign({}, completed, { stats })),
    );
    fc.assert(
      fc.property(event, (only) => {
        expect(render([[0, only]])).toMatch(/^[^\p{Cc}]*\n$/u);
      }),
    );
  });
});

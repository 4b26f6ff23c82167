import { expect, it } from 'vitest';
import { run, scratch } from './harness.ts';

const path = scratch();

it.each([
  ['inspect', ''],
  ['tag', '', 'name'],
  ['tag', 'demo', ''],
  ['untag', 'demo', ''],
  ['oci', 'dump', ''],
  ['oci', 'seal', '', '--tag', 'x'],
  ['oci', 'mount', '', 'point'],
  ['oci', 'create-image', ''],
  ['oci', 'compute-id', ''],
  ['oci', 'fsck', ''],
  ['layer', ''],
  ['ls-layer', ''],
  ['cat', ''],
  ['cat', '', '/path'],
  ['ls', ''],
  ['extract', '', '/path', '--output', 'out'],
  ['diff', 'demo', ''],
  ['diff', '', 'demo'],
  ['image-objects', ''],
  ['dump-files', '', '/path'],
  ['mount', '', 'point'],
  ['object', 'cat', ''],
  ['convert', 'stored:', 'tar:-'],
])('%j is wrong usage: a name is empty', async (...argv) => {
  expect(await run([...argv, '--repo', path('nothing')])).toMatchObject({ code: 2, stdout: '' });
});

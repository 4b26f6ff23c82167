import { InterruptedError } from '@cfskit/cli-kit';
import { beforeAll, expect, it } from 'vitest';
import { failure, ok, run, scratch } from './harness.ts';

const path = scratch();
let repo = '';
beforeAll(async () => {
  repo = path('repo');
  await ok(['init', '--insecure', repo]);
});

it('exits with the code of the command', async () => {
  expect(await run(['transaction', '--repo', repo, '--', 'sh', '-c', 'exit 7'])).toEqual(
    expect.objectContaining({ code: 7, stdout: '', stderr: '' }),
  );
  expect(await run(['transaction', '--repo', repo, '--', 'true'])).toMatchObject({ code: 0 });
  expect(await run(['transaction', '--repo', repo, '--', 'sh', '-c', 'kill -9 $$'])).toMatchObject({ code: 137 });
});

it('names a command that is not there', async () => {
  const ended = await run(['transaction', '--repo', repo, '--', '/nonexistent/command']);
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('no such command: /nonexistent/command') });
});

it('keeps the repository from being collected', async () => {
  const controller = new AbortController();
  const holding = run(['transaction', '--repo', repo], { signal: controller.signal });
  await waitForLock();
  controller.abort(new InterruptedError('SIGTERM', 15));
  expect(await holding).toMatchObject({ code: 143 });
  await ok(['gc', '--repo', repo, '--lock-timeout', '5']);
});

it('ends the command with itself', async () => {
  const controller = new AbortController();
  const running = run(['transaction', '--repo', repo, '--', 'sleep', '60'], { signal: controller.signal });
  await waitForLock();
  controller.abort(new InterruptedError('SIGINT', 2));
  expect(await running).toMatchObject({ code: 130 });
});

async function waitForLock(): Promise<void> {
  for (;;) {
    const { error } = await failure(['gc', '--repo', repo, '--lock-timeout', '0']).catch(() => ({ error: { code: '' } }));
    if (error.code === 'LOCK_TIMEOUT') return;
  }
}

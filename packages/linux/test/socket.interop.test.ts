import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { hasProgram } from '../src/helper.ts';
import { closeDescriptor, receiveMessageAsync, sendMessageAsync, socketPair } from '../src/index.ts';
import { bytes } from './bytes.ts';

const LAYOUT = join(import.meta.dirname, '../../../examples/tiny');
const CI = process.env['CI'] === 'true';

it.skipIf(!hasProgram('skopeo') && !CI)('talks to the image proxy of skopeo', async () => {
  const [mine, theirs] = socketPair();
  const child = spawn('skopeo', ['--insecure-policy', 'experimental-image-proxy', '--sockfd', '0'], {
    stdio: [theirs, 'ignore', 'inherit'],
  });
  closeDescriptor(theirs);
  const exited = once(child, 'exit');

  async function ask(method: string, ...args: unknown[]): Promise<{ reply: Reply; descriptors: readonly number[] }> {
    await sendMessageAsync(mine, bytes(JSON.stringify({ method, args })));
    const message = await receiveMessageAsync(mine, { signal: AbortSignal.timeout(10_000) });
    if (message === 'ended') throw new Error('skopeo is gone');
    return { reply: JSON.parse(new TextDecoder().decode(message.bytes)) as Reply, descriptors: message.descriptors };
  }

  expect((await ask('Initialize')).reply).toMatchObject({ success: true, value: expect.stringMatching(/^0\.2\./) as unknown });
  const image = (await ask('OpenImage', `oci:${LAYOUT}:latest`)).reply;
  expect(image).toMatchObject({ success: true });
  const { reply, descriptors } = await ask('GetManifest', image.value);
  expect(descriptors).toHaveLength(1);
  const manifest = readText(new Socket({ fd: descriptors.at(0)!, readable: true, writable: false }));
  expect((await ask('FinishPipe', reply.pipeid)).reply).toMatchObject({ success: true });
  expect(JSON.parse(await manifest)).toMatchObject({ schemaVersion: 2, layers: expect.any(Array) as unknown });
  await sendMessageAsync(mine, bytes(JSON.stringify({ method: 'Shutdown', args: [] })));
  expect(await receiveMessageAsync(mine)).toBe('ended');
  closeDescriptor(mine);
  expect(await exited).toEqual([0, null]);
});

interface Reply {
  readonly success: boolean;
  readonly value: unknown;
  readonly pipeid: number;
}

import { createServer, Server, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { Packaged } from '@cfskit/fixtures';
import { afterEach, expect } from 'vitest';
import { anonymous, RegistryClient, type Clock, type RegistryClientOptions } from '../src/index.ts';
import { startTestRegistry, type TestRegistry, type TestRegistryOptions, type TestRepository } from '../src/testing/index.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Time that passes only when somebody sleeps, and at once. */
export interface TestClock extends Clock {
  readonly slept: number[];
  ms: number;
}

export function testClock(): TestClock {
  const clock: TestClock = {
    ms: Date.parse('2026-01-01T00:00:00Z'),
    slept: [],
    now: () => clock.ms,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      clock.slept.push(ms);
      clock.ms += ms;
      await Promise.resolve();
    },
  };
  return clock;
}

/** A client that asks nobody for credentials, waits for nothing, and is closed after the test. */
export function testClient(options: RegistryClientOptions = {}): RegistryClient {
  const client = new RegistryClient({
    credentials: anonymous,
    clock: testClock(),
    random: () => 1,
    certDirs: [],
    env: {},
    defaults: { plainHttp: 'always' },
    ...options,
  });
  cleanUps.push(() => client.close());
  return client;
}

export async function testRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const registry = await startTestRegistry(options);
  cleanUps.push(() => registry.close());
  return registry;
}

/** What a scripted server was asked. */
interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  body: string;
}

export interface Scripted {
  /** `127.0.0.1:port` */
  readonly host: string;
  readonly url: string;
  readonly seen: Seen[];
}

export type Script = (request: IncomingMessage, response: ServerResponse, count: number) => void | Promise<void>;

/** A server that does what the test says, whatever a registry would do. */
export async function scripted(script: Script): Promise<Scripted> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const entry: Seen = { method: request.method!, path: request.url!, headers: request.headers, body: '' };
    request.on('data', (chunk: Buffer) => (entry.body += chunk.toString('latin1')));
    request.on('error', () => undefined);
    void Promise.resolve(script(request, response, seen.push(entry) - 1)).catch(() => response.destroy());
  });
  const host = await listen(server);
  return { host, url: `http://${host}`, seen };
}

/** Serves on 127.0.0.1 until the test is over. */
export async function listen(server: Server | NetServer): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  cleanUps.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    if (server instanceof Server) server.closeAllConnections();
    await closed;
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Put an image or index with everything below it into a repository. */
export function store(repository: TestRepository, packaged: Packaged, tag?: string): void {
  for (const { bytes, descriptor } of packaged.blobs.toReversed()) repository.put(bytes, descriptor.mediaType);
  if (tag !== undefined) repository.tags.set(tag, packaged.descriptor.digest);
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(Buffer.concat(await Array.fromAsync(source)));
}

/** What a failing promise fails with. */
export async function failure(work: Promise<unknown>): Promise<Error & { readonly code: string }> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Error);
  return outcome as Error & { readonly code: string };
}

/** Bytes that differ from place to place. */
export function pattern(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + (i >> 8) + (i >> 16);
  return bytes;
}

/** For interceptors: what has been done is an answer. */
export function answered(...done: readonly unknown[]): boolean {
  return done.length > 0;
}

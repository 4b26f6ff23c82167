// A skopeo that does what its plan says: the image proxy, with every kind of misbehaviour, and `inspect --raw`.
import { closeDescriptor, openLibrary, receiveMessageAsync, sendMessageAsync } from '@cfskit/linux';
import { createHash } from 'node:crypto';
import { appendFileSync, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobFault, LogLine, MethodFault, Plan } from './plan.ts';

const plan = JSON.parse(readFileSync(process.argv.at(2)!, 'utf8')) as Plan;
const argv = process.argv.slice(3);
const CONTROL = 0;

interface Transfer {
  readonly pumped: Promise<string | undefined>;
  readonly end: () => void;
}

const transfers = new Map<number, Transfer>();
const has = (patch: number): boolean => Number.parseInt(plan.version.split('.').at(2)!, 10) >= patch;

function log(event: string, args: readonly unknown[] = []): void {
  appendFileSync(plan.log, `${JSON.stringify({ event, pid: process.pid, args } satisfies LogLine)}\n`);
}

/** Whether a fault happens now; each happening is counted in the log. */
function faulty(): boolean {
  const happened = readFileSync(plan.log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"event":"fault"')).length;
  if (happened >= (plan.faults ?? Infinity)) return false;
  log('fault');
  return true;
}

function pipe(): readonly [number, number] {
  const pair = new Int32Array(2);
  openLibrary(null)!.func('int pipe2(uint8_t *pair, int flags)')!(new Uint8Array(pair.buffer), 0o2000000);
  return [pair.at(0)!, pair.at(1)!];
}

async function reply(value: unknown, descriptors: readonly number[] = [], pipeid = 0): Promise<void> {
  await send(JSON.stringify({ success: true, value, pipeid, error: '', ...(has(8) && { error_code: '' }) }), descriptors);
}

async function refuse(error: string, code = 'other', descriptors: readonly number[] = []): Promise<void> {
  await send(JSON.stringify({ success: false, value: null, pipeid: 0, error, ...(has(8) && { error_code: code }) }), descriptors);
}

async function send(text: string, descriptors: readonly number[] = []): Promise<void> {
  await sendMessageAsync(CONTROL, new TextEncoder().encode(text), { descriptors });
  descriptors.forEach(closeDescriptor);
}

/** Write bytes into a pipe as the reader takes them; says what went wrong. */
function pump(fd: number, bytes: Uint8Array, fault: BlobFault | undefined): { socket: Socket; pumped: Promise<string | undefined> } {
  const socket = new Socket({ fd, readable: false, writable: true });
  let broken: string | undefined;
  socket.on('error', () => (broken = 'write |1: broken pipe'));
  const write = (part: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      if (broken !== undefined || part.byteLength === 0) resolve();
      else socket.write(part, () => resolve());
    });
  const pumped = (async () => {
    const cut = fault?.kind === 'die' || fault?.kind === 'stall' || fault?.kind === 'end';
    await write(cut ? bytes.subarray(0, fault.after ?? 0) : bytes);
    if (fault?.kind === 'die') process.kill(process.pid, 'SIGKILL');
    if (fault?.kind === 'stall') await sleep(60_000);
    if (fault?.kind === 'end') socket.end();
    if (fault?.kind === 'more') await write(new Uint8Array(1000));
    return broken ?? (fault?.kind === 'verdict' ? fault.message : undefined);
  })();
  return { socket, pumped };
}

let lastPipe = 100;

async function document(value: unknown, text: string): Promise<void> {
  await pipeReply(value, new TextEncoder().encode(text), undefined);
}

async function pipeReply(value: unknown, bytes: Uint8Array, fault: BlobFault | undefined): Promise<void> {
  const [readEnd, writeEnd] = pipe();
  const { socket, pumped } = pump(writeEnd, bytes, fault);
  const id = ++lastPipe;
  transfers.set(id, { pumped, end: () => socket.destroy() });
  await reply(value, fault?.kind === 'no-pipe' ? [] : fault?.kind === 'not-a-pipe' ? [openSync('/dev/null', 'r')] : [readEnd], id);
}

async function rawReply(value: unknown, bytes: Uint8Array, fault: BlobFault | undefined): Promise<void> {
  const [readEnd, writeEnd] = pipe();
  const [errorEnd, errorWriteEnd] = pipe();
  const { socket, pumped } = pump(writeEnd, bytes, fault);
  const errors = new Socket({ fd: errorWriteEnd, readable: false, writable: true });
  errors.on('error', () => undefined);
  void (async () => {
    const message = await pumped;
    if (message !== undefined) errors.write(JSON.stringify({ code: fault?.code ?? 'EPIPE', message }));
    errors.end();
    socket.end();
  })();
  const descriptors = fault?.kind === 'not-a-pipe' ? [openSync('/dev/null', 'r'), errorEnd] : [readEnd, errorEnd];
  await reply(value, fault?.kind === 'no-pipe' ? [] : descriptors);
}

async function blob(digest: string, size: number | undefined): Promise<void> {
  const text = plan.blobs?.[digest];
  if (text === undefined) return refuse(`unknown blob ${digest}`);
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  const fault = plan.blobFault !== undefined && faulty() ? plan.blobFault : undefined;
  if (fault?.kind === 'refuse') return refuse(fault.message ?? 'no', fault.code);
  if (fault?.kind === 'refuse-with-pipe') return refuse('no', 'other', [pipe()[0]]);
  const value = fault?.kind === 'wrong-size' ? bytes.byteLength + 1 : fault?.kind === 'unknown-size' ? -1 : bytes.byteLength;
  if (size === undefined) return rawReply(value, bytes, fault);
  const verdict: BlobFault = { kind: 'verdict', message: `expected ${size} bytes in blob, got ${bytes.byteLength}` };
  return pipeReply(value, bytes, size === bytes.byteLength ? fault : verdict);
}

async function finishPipe(id: number): Promise<void> {
  const transfer = transfers.get(id);
  if (transfer === undefined) return refuse(`no active pipe ${id}`);
  transfers.delete(id);
  const error = await transfer.pumped;
  transfer.end();
  return error === undefined ? reply(null) : refuse(error, 'EPIPE');
}

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

async function answer(method: string, args: readonly unknown[]): Promise<void> {
  const { manifest = '' } = plan;
  if (method === 'Initialize') return reply(plan.version);
  if (method === 'OpenImage' || (method === 'OpenImageOptional' && has(4))) {
    if (plan.manifest !== undefined) return reply(1);
    return method === 'OpenImage' ? refuse('manifest unknown') : reply(0);
  }
  if (method === 'GetManifest') return document(plan.manifestDigest ?? digestOf(manifest), manifest);
  if (method === 'GetBlob') return blob(args[1] as string, args[2] as number);
  if (method === 'GetRawBlob' && has(8)) return blob(args[1] as string, undefined);
  if (method === 'FinishPipe') return finishPipe(args[0] as number);
  if (method === 'GetLayerInfo' && has(5)) return reply(plan.layerInfo);
  if (method === 'GetLayerInfoPiped' && has(7)) return document(null, JSON.stringify(plan.layerInfo));
  return refuse(`unknown method: ${method}`);
}

async function misbehave(fault: MethodFault): Promise<void> {
  if (fault === 'die') process.kill(process.pid, 'SIGKILL');
  if (fault === 'exit') process.exit(3);
  if (fault === 'stall') await sleep(60_000);
  if (fault === 'garbage') await send('{"success": maybe}');
  if (fault === 'cut') await send('{"success": true, "value": [{"digest": "sha');
  if (fault === 'too-long') await send(JSON.stringify({ success: true, value: 'x'.repeat(40_000), pipeid: 0, error: '' }));
  if (fault === 'no-reply-but-end') {
    closeDescriptor(CONTROL);
    await sleep(60_000);
  }
}

async function serve(): Promise<void> {
  for (;;) {
    const message = await receiveMessageAsync(CONTROL);
    if (message === 'ended') return;
    const { method, args } = JSON.parse(new TextDecoder().decode(message.bytes)) as { method: string; args: readonly unknown[] };
    log(method, args);
    const fault = plan.methodFaults?.[method];
    if (fault !== undefined && faulty()) await misbehave(fault);
    else if (method === 'Shutdown') return;
    else await answer(method, args);
  }
}

log('start', argv);
if (plan.exit !== undefined) {
  process.stderr.write(plan.exit.stderr);
  process.exitCode = plan.exit.status;
} else if (argv.includes('experimental-image-proxy')) {
  await serve();
  log('end');
  process.exit(0);
} else if (argv.includes('inspect') && (plan.inspected ?? plan.manifest) !== undefined) {
  process.stdout.write(plan.inspected ?? plan.manifest!);
} else {
  process.stderr.write('time="2026-01-01T00:00:00Z" level=fatal msg="no \\"such\\" image"\n');
  process.exitCode = 1;
}

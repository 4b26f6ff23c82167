import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync, readlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytes } from './bytes.ts';
import { load, useDirectory } from './means.ts';

describe('sockets', async () => {
  const { closeDescriptor, receiveMessage, receiveMessageAsync, sendMessage, sendMessageAsync, socketPair } = await load('koffi');
  const path = useDirectory();
  let mine = -1;
  let theirs = -1;
  beforeEach(() => {
    [mine, theirs] = socketPair();
  });
  afterEach(() => [mine, theirs].forEach((fd) => fd >= 0 && closeDescriptor(fd)));

  function received(socket: number): { text: string; descriptors: readonly number[] } {
    const message = receiveMessage(socket);
    if (typeof message === 'string') return { text: message, descriptors: [] };
    return { text: new TextDecoder().decode(message.bytes), descriptors: message.descriptors };
  }

  it('keeps messages apart and in order', () => {
    expect(received(mine).text).toBe('none');
    expect(sendMessage(theirs, bytes('one'))).toBe(true);
    expect(sendMessage(theirs, bytes('two'))).toBe(true);
    expect([received(mine).text, received(mine).text, received(mine).text]).toEqual(['one', 'two', 'none']);
  });

  it('runs messages together on a stream', () => {
    const [a, b] = socketPair('stream');
    sendMessage(a, bytes('one'));
    sendMessage(a, bytes('two'));
    expect(received(b).text).toBe('onetwo');
    [a, b].forEach(closeDescriptor);
  });

  it('passes descriptors, as many as the kernel allows', () => {
    writeFileSync(join(path(), 'file'), 'content');
    const fd = openSync(join(path(), 'file'), 'r');
    sendMessage(theirs, bytes('x'), { descriptors: [fd, fd] });
    closeSync(fd);
    const { descriptors } = received(mine);
    expect(descriptors).toHaveLength(2);
    expect(descriptors.map((each) => readlinkSync(`/proc/self/fd/${each}`))).toEqual([join(path(), 'file'), join(path(), 'file')]);
    expect(readFileSync(first(descriptors), 'utf8')).toBe('content');
    const info = readFileSync(`/proc/self/fdinfo/${first(descriptors)}`, 'utf8');
    const [, flags = ''] = /flags:\s*(\d+)/.exec(info) ?? [];
    expect(Number.parseInt(flags, 8) & 0o2000000).toBe(0o2000000); // close-on-exec
    descriptors.forEach(closeDescriptor);

    const many = Array.from({ length: 253 }, () => 0);
    sendMessage(theirs, bytes('x'), { descriptors: many });
    const message = receiveMessage(mine, { maxDescriptors: 253 });
    expect(message).toMatchObject({ descriptors: { length: 253 } });
    if (typeof message !== 'string') message.descriptors.forEach(closeDescriptor);
    expect(() => sendMessage(theirs, bytes('x'), { descriptors: [...many, 0] })).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });

  it('takes 32 KiB, and says when a message is larger than allowed', () => {
    const large = new Uint8Array(32 * 1024).fill(65);
    sendMessage(theirs, large);
    expect(receiveMessage(mine)).toEqual({ bytes: large, descriptors: [] });
    sendMessage(theirs, bytes('12345'), { descriptors: [0] });
    sendMessage(theirs, bytes('next'), { descriptors: [0, 0] });
    sendMessage(theirs, bytes('last'));
    const free = lowestFreeDescriptor();
    expect(() => receiveMessage(mine, { maxSize: 4 })).toThrow(expect.objectContaining({ code: 'EMSGSIZE', syscall: 'recvmsg' }));
    expect(() => receiveMessage(mine, { maxDescriptors: 1 })).toThrow(expect.objectContaining({ code: 'EMSGSIZE' }));
    expect(lowestFreeDescriptor()).toBe(free); // those that had come are closed
    expect(received(mine).text).toBe('last');
  });

  it('knows the end, after what was sent before it', () => {
    sendMessage(theirs, bytes('last'));
    closeDescriptor(theirs);
    theirs = -1;
    expect([received(mine).text, received(mine).text]).toEqual(['last', 'ended']);
    expect(() => sendMessage(mine, bytes('x'))).toThrow(expect.objectContaining({ code: 'EPIPE' }));
  });

  it('sends no empty message, which would look like the end', () => {
    expect(() => sendMessage(mine, new Uint8Array())).toThrow(RangeError);
  });

  it('says when there is no room, and waits for it', async () => {
    const packet = new Uint8Array(32 * 1024);
    let sent = 0;
    while (sendMessage(theirs, packet)) sent++;
    expect(sent).toBeGreaterThan(0);
    const waiting = sendMessageAsync(theirs, bytes('late'));
    for (let count = 0; count < sent; count++) expect(await receiveMessageAsync(mine)).toMatchObject({ bytes: { length: packet.length } });
    await waiting;
    expect(received(mine).text).toBe('late');
  });

  it('waits without blocking, however long it takes', async () => {
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    setTimeout(() => sendMessage(theirs, bytes('late')), 40);
    expect(await receiveMessageAsync(mine)).toEqual({ bytes: bytes('late'), descriptors: [] });
    clearInterval(counting);
    expect(turns).toBeGreaterThan(2);
  });

  it('can be called off', async () => {
    const reason = new Error('enough');
    await expect(receiveMessageAsync(mine, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    for (const afterMs of [0, 20]) {
      const later = new AbortController();
      setTimeout(() => later.abort(reason), afterMs);
      await expect(receiveMessageAsync(mine, { signal: later.signal })).rejects.toBe(reason);
    }
    sendMessage(theirs, bytes('kept'));
    expect(received(mine).text).toBe('kept');
  });

  it('talks to a child on its standard input', async () => {
    const child = spawn(process.execPath, ['--conditions=source', fileURLToPath(new URL('./children/answer.ts', import.meta.url))], {
      stdio: [theirs, 'ignore', 'inherit'],
    });
    closeDescriptor(theirs);
    theirs = -1;
    const exited = once(child, 'exit');
    for (const name of ['a', 'b']) {
      const file = join(path(), name);
      writeSync(openedForWriting(file), `content of ${name}`);
      await sendMessageAsync(mine, bytes(file));
      const message = await receiveMessageAsync(mine);
      if (message === 'ended') throw new Error('the child is gone');
      expect(new TextDecoder().decode(message.bytes)).toBe(file.toUpperCase());
      expect(fstatSync(first(message.descriptors)).isFile()).toBe(true);
      expect(readFileSync(first(message.descriptors), 'utf8')).toBe(`content of ${name}`);
      message.descriptors.forEach(closeDescriptor);
    }
    await sendMessageAsync(mine, bytes('exit'));
    expect(await receiveMessageAsync(mine)).toBe('ended');
    expect(await exited).toEqual([7, null]);
    opened.splice(0).forEach((fd) => closeSync(fd));
  });

  const opened: number[] = [];
  function openedForWriting(file: string): number {
    const fd = openSync(file, 'w');
    opened.push(fd);
    return fd;
  }
});

it('is unsupported without koffi', async () => {
  const { receiveMessage, sendMessage, socketPair } = await load('fallbacks');
  for (const act of [() => socketPair(), () => sendMessage(0, bytes('x')), () => receiveMessage(0)]) {
    expect(act).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  }
});

function first(descriptors: readonly number[]): number {
  return descriptors.at(0)!;
}

function lowestFreeDescriptor(): number {
  const fd = openSync('/dev/null', 'r');
  closeSync(fd);
  return fd;
}

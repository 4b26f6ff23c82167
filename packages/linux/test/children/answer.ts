// Answers on descriptor 0, which is a socket, to each message: with its text in capitals, and a descriptor of the file it names.
import { openSync } from 'node:fs';
import { closeDescriptor, receiveMessageAsync, sendMessageAsync } from '../../src/index.ts';

for (;;) {
  const message = await receiveMessageAsync(0);
  if (message === 'ended') break;
  const text = new TextDecoder().decode(message.bytes);
  if (text === 'exit') process.exit(7);
  const fd = openSync(text, 'r');
  await sendMessageAsync(0, new TextEncoder().encode(text.toUpperCase()), { descriptors: [fd] });
  closeDescriptor(fd);
}

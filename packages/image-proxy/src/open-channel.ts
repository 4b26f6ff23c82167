import { LinuxError } from '@cfskit/linux';
import { Channel, type ProxyChannel } from './channel.ts';
import type { CommandLine } from './child.ts';
import { openIpcWire } from './ipc-wire.ts';
import { openPacketWire } from './packet-wire.ts';
import type { Wire } from './wire.ts';

/**
 * How to talk to the proxy: over a packet socket, which needs koffi; over the pipe that Node has for messages of children; or over the first where it
 * can be had, else the second.
 */
export type ChannelKind = 'auto' | 'packet' | 'ipc';

/**
 * Start a proxy and open the channel to it.
 *
 * @throws {ImageProxyError} NO_CHANNEL. {LinuxError} UNSUPPORTED for a packet socket without koffi
 */
export function openChannel(kind: ChannelKind, command: CommandLine): ProxyChannel {
  return new Channel(openWire(kind, command));
}

function openWire(kind: ChannelKind, command: CommandLine): Wire {
  if (kind === 'ipc') return openIpcWire(command);
  try {
    return openPacketWire(command);
  } catch (error) {
    if (kind === 'packet' || !(error instanceof LinuxError) || error.code !== 'UNSUPPORTED') throw error;
    return openIpcWire(command);
  }
}

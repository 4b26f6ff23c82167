import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';

/**
 * Open a FIFO for reading, without waiting for a writer. To be destroyed; the signal does it too.
 *
 * The event loop reads it: in the thread pool an open or a read would hold its thread until there is a writer that has something, and
 * neither a signal nor the end of the process could end that.
 *
 * @throws {TypeError} it is none
 */
export function openFifo(path: string, signal: AbortSignal | undefined): Socket {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return new Socket({ fd, readable: true, writable: false, ...(signal && { signal }) });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answer with JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown, type: string = 'application/json'): void {
  sendBytes(response, status, Buffer.from(JSON.stringify(value)), type);
}

/** Answer with bytes; to a `HEAD` only how many there are. */
export function sendBytes(response: ServerResponse, status: number, bytes: Uint8Array, type: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.byteLength });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

/** Answer with the error list of the specification. */
export function sendError(response: ServerResponse, status: number, code: string, message: string, detail?: unknown): void {
  sendJson(response, status, { errors: [{ code, message, ...(detail !== undefined && { detail }) }] });
}

/** Everything that is sent along. */
export async function readRequest(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new Uint8Array(Buffer.concat(chunks));
}

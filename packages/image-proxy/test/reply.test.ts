import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ImageProxyError } from '../src/index.ts';
import { parseBlobError, parseReply, replyError } from '../src/reply.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

it.each([
  ['{"success":true,"value":"0.2.3","pipeid":0,"error":""}', { success: true, value: '0.2.3', pipeId: 0 }],
  ['{"success":true,"value":null,"pipeid":4294967295,"error":"","error_code":""}', { success: true, value: null, pipeId: 4294967295 }],
  ['{"success":true}', { success: true, value: null, pipeId: 0 }],
  ['{"success":false,"value":null,"pipeid":0,"error":"gone"}', { success: false, error: 'gone', code: undefined }],
  ['{"success":false,"error":"gone","error_code":"retryable"}', { success: false, error: 'gone', code: 'retryable' }],
  ['{"success":false,"error":"a\\n\\u001b[31mb","error_code":"EPIPE"}', { success: false, error: 'a [31mb', code: 'EPIPE' }],
  ['{"success":false,"error":"gone","error_code":"new"}', { success: false, error: 'gone', code: 'other' }],
  ['{"success":false}', { success: false, error: 'failed without a reason', code: undefined }],
])('reads %s', (text, reply) => expect(parseReply(encode(text))).toEqual(reply));

it.each([
  '',
  '{',
  '[]',
  'null',
  '"x"',
  '{}',
  '{"success":1}',
  '{"success":true,"pipeid":-1}',
  '{"success":true,"pipeid":4294967296}',
  '{"success":true,"pipeid":"1"}',
])('refuses %s', (text) => expect(() => parseReply(encode(text))).toThrow(expect.objectContaining({ code: 'PROTOCOL' })));

function outcome(work: () => unknown): unknown {
  try {
    work();
    return 'fine';
  } catch (error) {
    return error instanceof ImageProxyError ? 'fine' : error;
  }
}

it('gives a reply or its own error for any bytes', () => {
  const bytes = fc.oneof(fc.uint8Array(), fc.json().map(encode));
  fc.assert(
    fc.property(bytes, (input) => {
      for (const parse of [parseReply, parseBlobError]) expect(outcome(() => parse(input))).toBe('fine');
    }),
  );
});

it('calls retryable what the proxy calls so', () => {
  expect(replyError({ success: false, error: 'x', code: 'retryable' })).toMatchObject({
    code: 'REFUSED',
    retryable: true,
    message: 'skopeo: x',
  });
  expect(replyError({ success: false, error: 'x', code: 'other' })).toMatchObject({ retryable: false });
  expect(replyError({ success: false, error: 'x', code: undefined })).toMatchObject({ retryable: false });
});

it('reads the errors of a raw blob', () => {
  expect(parseBlobError(new Uint8Array(0))).toBeUndefined();
  expect(parseBlobError(encode('{"code":"retryable","message":"reset"}'))).toMatchObject({ message: 'skopeo: reset', retryable: true });
});

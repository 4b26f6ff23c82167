import type { ObjectId } from '@cfskit/fs-verity';
import type { ByteString } from './escape.ts';

/** The object that the path of a backing file means, by its last two components; undefined if it is the path of something else. */
export function objectOfPayload(payload: ByteString): ObjectId | undefined {
  const [, directory, rest] = OBJECT_PATH.exec(payload) ?? [];
  return directory === undefined || rest === undefined ? undefined : directory + rest;
}

const OBJECT_PATH = /([0-9a-f]{2})\/([0-9a-f]{126}|[0-9a-f]{62})$/;

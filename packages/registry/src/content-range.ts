/** A part of a whole, from `start` up to but not including `end`. */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
  readonly total: number;
}

/** `Content-Range: bytes 0-99/1000`. Undefined for anything else, an unknown total included. */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const match = /^bytes ([0-9]{1,16})-([0-9]{1,16})\/([0-9]{1,16})$/i.exec(header ?? '');
  if (match === null) return undefined;
  const [start, last, total] = match.slice(1).map(Number) as [number, number, number];
  return start <= last && last < total && Number.isSafeInteger(total) ? { start, end: last + 1, total } : undefined;
}

/** `Range: 0-99` of an upload: how many bytes the registry has. Undefined if it does not say. */
export function parseUploadRange(header: string | undefined): number | undefined {
  const match = /^(?:bytes=)?0-([0-9]{1,15})$/.exec(header ?? '');
  return match === null ? undefined : Number(match[1]) + 1;
}

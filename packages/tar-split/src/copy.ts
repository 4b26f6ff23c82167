/** A copy that does not keep the input alive. (`slice` does not copy a Node `Buffer`, which is what streams hand out.) */
export function copyBytes(bytes: Uint8Array, start: number = 0, end: number = bytes.length): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

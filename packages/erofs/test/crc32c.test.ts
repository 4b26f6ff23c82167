import { expect, it } from 'vitest';
import { crc32c } from '../src/crc32c.ts';

// The check value of CRC-32C, which is inverted at the end.
it('has the check value', () => expect(~crc32c(Buffer.from('123456789'), -1) >>> 0).toBe(0xe3069283));

import type { ByteString, Time } from '@cfskit/fs-tree';
import { RenderError } from './errors.ts';

const INTEGER = /^[+-]?\d{1,24}$/;
const TIME = /^([+-]?)(\d{1,19})(?:\.(\d*))?$/;
const NANOSECONDS = 1_000_000_000n;

/**
 * A decimal number in a PAX record, a minus in front allowed.
 *
 * @throws {RenderError} INVALID_PAX
 */
export function parsePaxInteger(key: string, value: ByteString, offset: number): bigint {
  if (!INTEGER.test(value)) throw invalid(key, value, offset);
  return BigInt(value.replace(/^\+/, ''));
}

/**
 * A time in a PAX record: decimal seconds, perhaps negative, perhaps with a fraction, of which nine digits are kept.
 *
 * @throws {RenderError} INVALID_PAX also for times that 64 bits cannot hold
 */
export function parsePaxTime(key: string, value: ByteString, offset: number): Time {
  const [, sign, seconds, fraction = ''] = TIME.exec(value) ?? [];
  if (seconds === undefined) throw invalid(key, value, offset);
  const distance = BigInt(seconds) * NANOSECONDS + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  const time = timeOf(sign === '-' ? -distance : distance);
  if (BigInt.asIntN(64, time.seconds) !== time.seconds) throw invalid(key, value, offset);
  return time;
}

/** The text of a time, as short as it can be. */
export function formatPaxTime({ seconds, nanoseconds }: Time): ByteString {
  if (nanoseconds === 0) return String(seconds);
  const total = seconds * NANOSECONDS + BigInt(nanoseconds);
  const distance = total < 0n ? -total : total;
  const fraction = String(distance % NANOSECONDS).padStart(9, '0');
  return `${total < 0n ? '-' : ''}${distance / NANOSECONDS}.${fraction.replace(/0+$/, '')}`;
}

/** Nanoseconds since 1970 as seconds, rounded down, and what is left. */
function timeOf(total: bigint): Time {
  const left = total % NANOSECONDS;
  const nanoseconds = left < 0n ? left + NANOSECONDS : left;
  return { seconds: (total - nanoseconds) / NANOSECONDS, nanoseconds: Number(nanoseconds) };
}

function invalid(key: string, value: ByteString, offset: number): RenderError {
  return new RenderError('INVALID_PAX', `invalid PAX ${key}: ${JSON.stringify(value.slice(0, 40))}`, { offset });
}

/** A time as a tar has it. */
export interface Time {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

const FIRST = -62_135_596_800n; // 0001-01-01T00:00:00Z
const LAST = 253_402_300_799n; // 9999-12-31T23:59:59Z

/**
 * The time as RFC 3339 in UTC, with as many digits behind the point as it needs: `2026-11-20T16:06:53.5Z`.
 * Years that have no such form are written as seconds since the epoch: `@-99999999999999`.
 */
export function formatTime({ seconds, nanoseconds }: Time): string {
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`;
  if (seconds < FIRST || seconds > LAST) return `@${seconds}${fraction}`;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}${fraction}Z`;
}

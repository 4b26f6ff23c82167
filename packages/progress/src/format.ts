const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** A size for people: `800 B` below 1024, else two decimals and a binary unit, `1.43 MiB`. The same in every locale. */
export function formatBytes(size: number): string {
  if (size < 1024) return `${size} B`;
  let value = size / 1024;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${twoDecimals(value)} ${UNITS[unit]!}`;
}

/** A time span for people: `3.1 s`, `2 min 5 s`, `1 h 0 min`. */
export function formatDuration(milliseconds: number): string {
  const tenths = Math.round(milliseconds / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

// Exactly halfway there are only .125, .375, .625 and .875. The reference (Rust) rounds those to the even digit, toFixed upwards.
function twoDecimals(value: number): string {
  const roundsDown = (value * 8) % 4 === 1;
  return (roundsDown ? value - 0.005 : value).toFixed(2);
}

const DIGEST_ID = /^[a-z0-9]+:([0-9a-f]{12})[0-9a-f]*(#[0-9]+)?$/;

/** What to call a component in a line for people: digests become `layer 6b1f0a2c3d4e`, other ids stay. */
export function formatComponent(id: string): string {
  const match = DIGEST_ID.exec(id);
  return match === null ? printable(id) : `layer ${match[1]!}${match[2] ?? ''}`;
}

/** Text with control characters written as `\x1b`, so that nothing from outside can steer a terminal or break a line. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, escapeControl);
}

function escapeControl(character: string): string {
  const code = character.charCodeAt(0);
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
}

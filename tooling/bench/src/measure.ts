import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** A program to time as a whole process. */
export interface Command {
  readonly label: string;
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Runs before each timing, untimed: empties the place the command writes to. */
  readonly prepare: () => void;
}

/** One timing. `peakKiB` is the largest resident set of the process itself, children apart. */
export interface Timing {
  readonly seconds: number;
  readonly peakKiB: number;
}

/** Whether a program of that name is on PATH. */
export function onPath(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

/** Runs `command` once and times it from spawn to exit. @throws {Error} with its stderr if it fails */
export async function timeOnce(command: Command): Promise<Timing> {
  command.prepare();
  const [program, ...args] = command.argv;
  const start = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...command.env } });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  let peakKiB = 0;
  const watch = setInterval(() => (peakKiB = Math.max(peakKiB, highWaterMark(child.pid))), 15);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  const seconds = (performance.now() - start) / 1000;
  clearInterval(watch);
  if (status !== 0) throw new Error(`${command.argv.join(' ')} exited with ${status}: ${errors}`);
  return { seconds, peakKiB };
}

function highWaterMark(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // it has ended between two looks
  }
}

/** The middle of the sorted values. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Times `ours` and `theirs` alternately, the first of each pair taking turns, and prints medians and the median of the ratios. */
export async function inPairs(ours: Command, theirs: Command, pairs: number, print: (line: string) => void): Promise<number> {
  const timings: [Timing, Timing][] = [];
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) {
      const a = await timeOnce(ours);
      timings.push([a, await timeOnce(theirs)]);
    } else {
      const b = await timeOnce(theirs);
      timings.push([await timeOnce(ours), b]);
    }
  }
  const ratio = median(timings.map(([a, b]) => a.seconds / b.seconds));
  const column = (index: 0 | 1): string =>
    `${median(timings.map((pair) => pair[index].seconds)).toFixed(2)} s, ${Math.round(Math.max(...timings.map((pair) => pair[index].peakKiB)) / 1024)} MiB`;
  print(`${ours.label} (${column(0)})  /  ${theirs.label} (${column(1)})  =  ${ratio.toFixed(2)}   [${pairs} pairs]`);
  return ratio;
}

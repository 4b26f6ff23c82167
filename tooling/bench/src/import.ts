import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateLayout } from './generate.ts';
import { inPairs, onPath, timeOnce, type Command } from './measure.ts';

/** What `bench import` takes. */
export interface ImportBenchOptions {
  /** Compressed size of the generated image. */
  readonly megabytes: number;
  /** A layout to use instead of the generated one, and the tag in it. */
  readonly layout: string | undefined;
  readonly tag: string | undefined;
  readonly pairs: number;
  /** Whether to run once more with the outputs on the disk. */
  readonly disk: boolean;
}

const CFSKIT = fileURLToPath(new URL('../../../apps/cli/bin/cfskit.js', import.meta.url));
const TMPFS = '/dev/shm';

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function run(argv: readonly [string, ...string[]]): void {
  const { status, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}

function cfskitPull(place: string, reference: string, label: string, env?: Record<string, string>): Command {
  const repo = join(place, 'cfskit');
  return {
    label,
    argv: [process.execPath, CFSKIT, '--repo', repo, '-q', 'pull', reference, 'bench'],
    ...(env === undefined ? {} : { env }),
    prepare: () => {
      rmSync(repo, { recursive: true, force: true });
      run([process.execPath, CFSKIT, '--repo', repo, 'init', '--insecure']);
    },
  };
}

function cfsctlPull(place: string, reference: string): Command {
  const repo = join(place, 'cfsctl');
  return {
    label: 'cfsctl oci pull',
    argv: ['cfsctl', '--repo', repo, 'oci', 'pull', reference, 'bench'],
    prepare: () => {
      rmSync(repo, { recursive: true, force: true });
      run(['cfsctl', '--repo', repo, 'init', '--insecure']);
    },
  };
}

function skopeoCopy(place: string, layout: string, tag: string): Command {
  const target = join(place, 'dir');
  const clear = (): void => rmSync(target, { recursive: true, force: true });
  return {
    label: 'skopeo copy oci: dir:',
    argv: ['skopeo', '--insecure-policy', 'copy', '-q', `oci:${layout}:${tag}`, `dir:${target}`],
    prepare: clear,
  };
}

function umociUnpack(place: string, layout: string, tag: string): Command {
  const target = join(place, 'bundle');
  const rootless = process.getuid?.() === 0 ? [] : ['--rootless'];
  const clear = (): void => rmSync(target, { recursive: true, force: true });
  return { label: 'umoci unpack', argv: ['umoci', 'unpack', ...rootless, '--image', `${layout}:${tag}`, target], prepare: clear };
}

async function comparePulls(place: string, layout: string, tag: string, pairs: number): Promise<void> {
  const reference = `oci:${layout}:${tag}`;
  const ours = cfskitPull(place, reference, 'cfskit pull');
  const peers: [string, Command][] = [
    ['cfsctl', cfsctlPull(place, reference)],
    ['umoci', umociUnpack(place, layout, tag)],
    ['skopeo', skopeoCopy(place, layout, tag)],
  ];
  for (const [program, theirs] of peers) {
    if (onPath(program)) await inPairs(ours, theirs, pairs, print);
    else print(`${program}: not on PATH, not compared`);
  }
  if (onPath('cfsctl')) {
    await inPairs(
      cfskitPull(place, reference, 'cfskit pull without ISA-L', { CFSKIT_NO_ISAL: '1' }),
      cfsctlPull(place, reference),
      pairs,
      print,
    );
  }
}

const nothing = (): void => undefined;

async function measureIdle(place: string, reference: string): Promise<void> {
  const first = cfskitPull(place, reference, 'cfskit pull');
  await timeOnce(first);
  const again = { ...first, prepare: nothing };
  const timings = [await timeOnce(again), await timeOnce(again), await timeOnce(again)];
  print(`pull again, nothing to do: ${timings.map(({ seconds }) => `${seconds.toFixed(3)} s`).join(', ')}`);
  const version: Command = { label: 'cfskit --version', argv: [process.execPath, CFSKIT, '--version'], prepare: nothing };
  const bare: Command = { label: 'node -e 0', argv: [process.execPath, '-e', '0'], prepare: nothing };
  const samples: number[] = [];
  for (let round = 0; round < 7; round++) samples.push((await timeOnce(version)).seconds - (await timeOnce(bare)).seconds);
  print(`cfskit --version above bare node: ${(samples.toSorted((a, b) => a - b)[3] as number) * 1000} ms`);
}

/** `cfskit pull oci:` as a whole process against cfsctl, umoci and skopeo, outputs on tmpfs, then once on the disk. */
export async function benchImport(options: ImportBenchOptions): Promise<void> {
  const fast = mkdtempSync(join(existsSync(TMPFS) ? TMPFS : tmpdir(), 'cfskit-bench-'));
  const slow = mkdtempSync(join(tmpdir(), 'cfskit-bench-'));
  const cache = join(tmpdir(), 'cfskit-bench-cache');
  try {
    mkdirSync(cache, { recursive: true });
    const layout = options.layout ?? (await generateLayout(cache, options.megabytes));
    const tag = options.tag ?? 'bench';
    print(`image: ${layout}:${tag}; outputs on ${fast}`);
    await comparePulls(fast, layout, tag, options.pairs);
    await measureIdle(fast, `oci:${layout}:${tag}`);
    if (!options.disk) return;
    print(`the same with outputs on the disk (${slow}); its speed varies from run to run`);
    await comparePulls(slow, layout, tag, 1);
  } finally {
    for (const place of [fast, slow]) rmSync(place, { recursive: true, force: true });
  }
}

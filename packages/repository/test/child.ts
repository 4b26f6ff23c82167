import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const PROGRAMS = {
  hold: new URL('./child/hold.ts', import.meta.url),
  'mount-image': new URL('./child/mount-image.ts', import.meta.url),
  'try-to-write': new URL('./child/try-to-write.ts', import.meta.url),
  'write-forever': new URL('./child/write-forever.ts', import.meta.url),
};

/** Start one of the programs in `child/`, and wait for its first word. It is killed after the test. */
export async function startChild(name: keyof typeof PROGRAMS, ...args: readonly string[]): Promise<ChildProcessWithoutNullStreams> {
  const child = spawn(process.execPath, nodeArguments(name, args));
  onTestFinished(() => void child.kill('SIGKILL'));
  let problems = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (problems += text));
  const outcome = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => undefined)]);
  if (outcome === undefined) throw new Error(`${name} ended: ${problems}`);
  return child;
}

/** Run one of the programs in `child/` behind another program, such as setpriv. */
export function runChild(
  prefix: readonly string[],
  name: keyof typeof PROGRAMS,
  ...args: readonly string[]
): { status: number | null; stdout: string; stderr: string } {
  const [program = '', ...rest] = [...prefix, process.execPath, ...nodeArguments(name, args)];
  return spawnSync(program, rest, { encoding: 'utf8' });
}

/** Whether `prefix` can run a Node that reads our sources. */
export function canRun(prefix: readonly string[]): boolean {
  const [program, ...rest] = [...prefix, process.execPath, '-e', `fs.accessSync(${JSON.stringify(fileURLToPath(import.meta.url))})`];
  return spawnSync(program, rest).status === 0;
}

function nodeArguments(name: keyof typeof PROGRAMS, args: readonly string[]): readonly string[] {
  return ['--conditions=source', fileURLToPath(PROGRAMS[name]), ...args];
}

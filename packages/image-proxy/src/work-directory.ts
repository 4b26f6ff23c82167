import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from './at-exit.ts';

const BIG_FILES = '/var/tmp';

/**
 * A temporary directory for one image: what skopeo unpacks, copies and is told in confidence. A skopeo that is ended at once leaves its files, so they
 * are all in here, and go with it; at the end of this process at the latest.
 */
export class WorkDirectory {
  readonly path: string;
  readonly #forget: () => void;

  /** @param base undefined for the usual place of large temporary files */
  constructor(base: string | undefined) {
    this.path = mkdtempSync(join(base ?? usualBase(), 'cfskit-skopeo-'));
    this.#forget = atExit(() => rmSync(this.path, { recursive: true, force: true }));
  }

  /** Write a file that nobody else can read. */
  writeSecret(name: string, content: string): string {
    const path = join(this.path, name);
    writeFileSync(path, content, { mode: 0o600, flag: 'wx' });
    return path;
  }

  /** A second call does nothing. */
  async remove(): Promise<void> {
    this.#forget();
    await rm(this.path, { recursive: true, force: true });
  }
}

function usualBase(): string {
  try {
    accessSync(BIG_FILES, constants.W_OK);
    return BIG_FILES;
  } catch {
    return tmpdir();
  }
}

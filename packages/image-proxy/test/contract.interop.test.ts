import { imageSourceChecks, type SourceContent } from '@cfskit/oci-spec/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openImageProxy } from '../src/index.ts';
import { writeContent } from './layouts.ts';
import { isMissing } from './tools.ts';

const scratch = mkdtempSync(join(tmpdir(), 'image-proxy-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let count = 0;

async function layout(content: SourceContent): Promise<string> {
  const directory = join(scratch, `layout${count++}`);
  await writeContent(directory, content);
  return directory;
}

describe.skipIf(isMissing('skopeo')).each(['packet', 'ipc', 'staging'] as const)('an image through skopeo, %s', (via) => {
  const checks = imageSourceChecks(async (content) =>
    openImageProxy(`oci:${await layout(content)}:multi`, {
      via,
      readIndex: true,
      tmpdir: scratch,
      skopeo: process.env['CFSKIT_TEST_SKOPEO'],
    }),
  );
  it.each(checks)('$name', async ({ run }) => expect(await run()).toBeUndefined());
});

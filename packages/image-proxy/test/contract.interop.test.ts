import { imageSourceChecks, type SourceContent } from '@cfskit/oci-spec/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openImageProxy } from '../src/index.ts';
import { writeContent } from './layouts.ts';
import { isMissing, skopeoWays } from './tools.ts';

const scratch = mkdtempSync(join(tmpdir(), 'image-proxy-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let count = 0;

async function layout(content: SourceContent): Promise<string> {
  const directory = join(scratch, `layout${count++}`);
  await writeContent(directory, content);
  return directory;
}

describe.skipIf(isMissing('skopeo')).each(skopeoWays)('an image through $skopeo, $via', ({ skopeo, via }) => {
  const checks = imageSourceChecks(async (content) =>
    openImageProxy(`oci:${await layout(content)}:multi`, {
      via,
      readIndex: true,
      tmpdir: scratch,
      skopeo,
    }),
  );
  it.each(checks)('$name', async ({ run }) => expect(await run()).toBeUndefined());
});

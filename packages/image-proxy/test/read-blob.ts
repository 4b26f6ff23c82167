// Reads a blob: `read-blob.ts WAY SKOPEO TMPDIR DESCRIPTOR`. The way `exit` ends the process in the middle.
import type { Descriptor } from '@cfskit/oci-spec';
import { openImageProxy, type OpenImageProxyOptions } from '../src/index.ts';

const [via, skopeo, tmpdir, descriptor] = process.argv.slice(2) as [string, string, string, string];
const way = via === 'exit' ? 'auto' : (via as NonNullable<OpenImageProxyOptions['via']>);
const source = openImageProxy('docker://example.org/app:1', { via: way, skopeo, tmpdir });
try {
  let size = 0;
  for await (const chunk of source.open(JSON.parse(descriptor) as Descriptor)) {
    size += chunk.byteLength;
    if (via === 'exit') process.exit(7);
    if (size < 400_000) console.log('reading');
  }
  console.log(size);
} catch (error) {
  console.log((error as Error).message);
}
await source.close();

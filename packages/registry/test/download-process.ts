// Downloads one blob and tells its parent when three chunks have come. Run by download.test.ts, which kills it.
import type { Descriptor } from '@cfskit/oci-spec';
import { anonymous, RegistryClient } from '../src/index.ts';

const [host, descriptor, path] = process.argv.slice(2) as [string, string, string];
const client = new RegistryClient({ credentials: anonymous, defaults: { plainHttp: 'always' } });
await client.downloadBlob(`${host}/a`, JSON.parse(descriptor) as Descriptor, path, {
  reporter: {
    report(event) {
      if (event.type === 'progress' && event.fetched >= 3 * 262_144) process.send!('three');
    },
  },
});

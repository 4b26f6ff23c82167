// Run by kill.test.ts, and killed by it: fetches an image into a layout.
import { parsePlatform } from '@cfskit/oci-spec';
import { openFetcher } from '../src/index.ts';

const [name = '', directory = ''] = process.argv.slice(2);
const fetcher = await openFetcher();
await fetcher.fetchToLayout(await fetcher.resolve(name, { platform: parsePlatform('linux/amd64') }), directory);
await fetcher.close();

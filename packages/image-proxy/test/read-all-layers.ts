// Reads all layers of an image at once: `read-all-layers.ts REFERENCE WAY SKOPEO`.
import { loadImage, openVerified, parsePlatform } from '@cfskit/oci-spec';
import { openImageProxy, type OpenImageProxyOptions } from '../src/index.ts';

const [reference, via, skopeo] = process.argv.slice(2) as [string, NonNullable<OpenImageProxyOptions['via']>, string];
const source = openImageProxy(reference, { via, skopeo });
const { layers } = await loadImage(source, { platform: parsePlatform('linux/amd64') });
await Promise.all(
  layers.map(async ({ descriptor }) => {
    for await (const chunk of openVerified(source, descriptor)) chunk.fill(0);
  }),
);
await source.close();
console.log(`read ${layers.length} layers`);

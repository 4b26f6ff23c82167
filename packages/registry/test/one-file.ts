import { pipeline } from 'node:stream/promises';
import { decode } from '@cfskit/compression';
import { layerFormat, loadImage, parsePlatform } from '@cfskit/oci-spec';
import { RegistryClient } from '@cfskit/registry';
import { extract } from 'tar-stream';

const [name = 'docker.io/library/alpine:3', path = 'etc/os-release'] = process.argv.slice(2);
const found: Buffer[] = [];

const client = new RegistryClient();
const { layers } = await loadImage(client.source(name), { platform: parsePlatform('linux/amd64') });
for (const { descriptor } of layers.toReversed()) {
  const format = layerFormat(descriptor.mediaType); // topmost layer first
  if (format.kind !== 'tar' || found.length > 0) continue;
  const tar = extract().on('entry', (header, content, next) => {
    content.on('data', (chunk) => header.name === path && found.push(chunk as Buffer));
    content.on('end', next).on('error', next);
  });
  await pipeline(decode(client.fetchBlob(name, descriptor), { format: format.compression }), tar); // rejects unless the layer is what its digest says
}
console.log(found.length > 0 ? Buffer.concat(found).toString() : `no ${path} in ${name}`);

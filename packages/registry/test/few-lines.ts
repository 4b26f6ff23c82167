import { loadImage } from '@cfskit/oci-spec';
import { RegistryClient } from '@cfskit/registry';
const name = process.argv[2] ?? 'docker.io/library/alpine:3';
const client = new RegistryClient();
const { layers } = await loadImage(client.source(name)); // the image for this machine
await client.downloadBlob(name, layers.at(-1)!.descriptor, 'layer.tar'); // its topmost layer; the file is there only if it is right

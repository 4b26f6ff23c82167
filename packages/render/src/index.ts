export { convert, convertDir, convertLayers, convertSquashfs, convertTar } from './convert.ts';
export { RenderError } from './errors.ts';
export { fileLayer } from './file-layer.ts';
export { loadRenderImage } from './render-image.ts';
export { StreamingPacker } from './streaming-packer.ts';
export { isClean, verify } from './verify.ts';

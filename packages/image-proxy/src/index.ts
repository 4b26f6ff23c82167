export { ImageProxyError } from './errors.ts';
export { openImageProxy } from './open-image-proxy.ts';

export type { ImageProxyErrorCode, ImageProxyErrorPlace } from './errors.ts';
export type { ChannelKind } from './open-channel.ts';
export type { OpenImageProxyOptions } from './open-image-proxy.ts';
export type { RetryPolicy } from './retry.ts';
export type { SkopeoImage } from './skopeo-image.ts';
export type { SkopeoOptions } from './skopeo-options.ts';

export { RegistryClient } from './client.ts';
export { anonymous, credentialsFor } from './credentials.ts';
export { credentialFiles } from './credential-files.ts';
export { parseRegistry } from './endpoint.ts';
export { CredentialError, RegistryError } from './errors.ts';
export { login, logout, logoutAll } from './login.ts';
export { RegistrySource } from './registry-source.ts';

export type { AuthFilePlaces } from './auth-file-store.ts';
export type { BlobRange, RegistryClientOptions } from './client.ts';
export type { Clock } from './clock.ts';
export type { CredentialFilesOptions } from './credential-files.ts';
export type {
  CredentialProvider,
  Credentials,
  CredentialTarget,
  IdentityTokenCredentials,
  PasswordCredentials,
  RegistryTokenCredentials,
} from './credentials.ts';
export type { Download, DownloadOptions } from './download.ts';
export type { NameInput } from './endpoint.ts';
export type { CredentialErrorCode, RegistryErrorCode, RegistryErrorEntry, RegistryErrorPlace } from './errors.ts';
export type { HttpMethod, HttpRequest, HttpResponse, Transport } from './http.ts';
export type { LoginOptions, StoredLogin } from './login.ts';
export type { FetchedManifest } from './manifest.ts';
export type { Ping } from './ping.ts';
export type { Environment } from './proxy.ts';
export type { Artifact, ArtifactBlob, PushArtifactOptions } from './push-artifact.ts';
export type { ImageRoot, PushedImage, PushImageOptions } from './push-image.ts';
export type { PushManifestOptions } from './push-manifest.ts';
export type { ListReferrersOptions } from './referrers.ts';
export type { RegistryOptions } from './registry-options.ts';
export type { RegistryReader, ResolvedImage } from './registry-source.ts';
export type { RetryPolicy } from './retry.ts';
export type { ListTagsOptions } from './tags.ts';
export type { Timeouts } from './undici-transport.ts';
export type { BlobOutcome, PushBlobOptions } from './upload.ts';
export type { BlobContent } from './upload-source.ts';

/** The document with the manifest that counts. */
export const MANIFEST = 'manifest';

/** The document with the manifest or index of a digest. */
export function manifestOf(digest: string): string {
  return `manifest-${digest}`;
}

/** The digest that the name of such a document holds; undefined for others. */
export function digestOfManifest(name: string): string | undefined {
  return name.startsWith('manifest-') ? name.slice('manifest-'.length) : undefined;
}

/** The name of the file that holds a document: the document's own if it is plain, else `=` and base64. */
export function bigDataFile(name: string): string {
  return /^[a-z0-9.]+$/.test(name) ? name : `=${Buffer.from(name).toString('base64')}`;
}

import { tar, type TarEntry } from '@cfskit/fixtures';

/** Builds the tar of a layer entry by entry: times and owners 0, long names in PAX records. */
export class LayerBuilder {
  readonly #entries: TarEntry[] = [];

  file(path: string, content: string | Uint8Array = '', mode = 0o644): this {
    return this.add({ path, content, mode });
  }

  dir(path: string, mode = 0o755): this {
    return this.add({ path: `${path}/`, type: 'dir', mode });
  }

  symlink(path: string, target: string): this {
    return this.add({ path, type: 'symlink', target });
  }

  hardlink(path: string, target: string): this {
    return this.add({ path, type: 'hardlink', target });
  }

  fifo(path: string): this {
    return this.add({ path, type: 'fifo' });
  }

  /** With `./` in front of the name. */
  fileDotSlash(path: string, content = ''): this {
    return this.add({ path: `./${path}`, content });
  }

  whiteout(directory: string, name: string): this {
    return this.add({ path: inDirectory(directory, `.wh.${name}`) });
  }

  opaque(directory: string): this {
    return this.add({ path: inDirectory(directory, '.wh..wh..opq') });
  }

  add(entry: TarEntry): this {
    this.#entries.push(entry);
    return this;
  }

  build(): Uint8Array<ArrayBuffer> {
    return tar(this.#entries);
  }
}

/** A new layer. */
export function layer(): LayerBuilder {
  return new LayerBuilder();
}

function inDirectory(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

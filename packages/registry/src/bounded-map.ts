const LIMIT = 1000;

/** A map that forgets its oldest entry rather than grow above a thousand: what a client learns on the way through many repositories. */
export class BoundedMap<T> {
  readonly #map = new Map<string, T>();

  get(key: string): T | undefined {
    return this.#map.get(key);
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  set(key: string, value: T): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size <= LIMIT) return;
    const [oldest] = this.#map.keys();
    this.#map.delete(oldest!);
  }

  delete(key: string): void {
    this.#map.delete(key);
  }
}

import type { Descriptor } from '@cfskit/oci-spec';
import type { ProgressEvent, Reporter } from '@cfskit/progress';

/** Where fetching an image stands. */
export type FetchPhase = 'started' | 'resolving' | 'resolved' | 'config-download' | 'layer-download' | 'complete';

/** Where fetching a layer stands. */
export type LayerPhase = 'waiting' | 'downloading' | 'downloaded';

/** A layer of the image, by its place in the manifest: one that is listed twice is there twice. */
export interface LayerProgress {
  readonly index: number;
  readonly digest: string;
  readonly phase: LayerPhase;
  /** Bytes that are there, compressed. */
  readonly current: number;
  readonly total: number;
}

/** The newest state; earlier ones may have been left out. */
export interface FetchProgress {
  readonly phase: FetchPhase;
  readonly layers: readonly LayerProgress[];
}

/** Told of the state at each change of a phase, and of bytes at most ten times a second. */
export type OnFetchProgress = (progress: FetchProgress) => void;

const INTERVAL_MS = 100;

/** Keeps the state of one fetch and tells it. A listener that throws does no harm. */
export class FetchState {
  readonly #listener: OnFetchProgress | undefined;
  readonly #clock: () => number;
  #phase: FetchPhase = 'started';
  #layers: LayerProgress[] = [];
  #toldAt = -Infinity;

  constructor(listener: OnFetchProgress | undefined, clock: () => number = () => performance.now()) {
    this.#listener = listener;
    this.#clock = clock;
  }

  enter(phase: FetchPhase): void {
    this.#phase = phase;
    this.#tell();
  }

  setLayers(layers: readonly Descriptor[]): void {
    this.#layers = layers.map(({ digest, size }, index) => ({ index, digest, phase: 'waiting', current: 0, total: size }));
  }

  /** A reporter that notes what happens to layers and passes everything on. */
  reporter(next: Reporter): Reporter {
    return {
      report: (event) => {
        this.#note(event);
        next.report(event);
      },
    };
  }

  #note(event: ProgressEvent): void {
    switch (event.type) {
      case 'started':
        this.#update(event.id, () => ({ phase: 'downloading' }));
        break;
      case 'progress':
        this.#update(event.id, () => ({ current: event.fetched }), this.#clock() - this.#toldAt >= INTERVAL_MS);
        break;
      case 'done':
      case 'skipped':
        this.#update(event.id, ({ total }) => ({ phase: 'downloaded', current: total }));
        break;
      default:
    }
  }

  #update(digest: string, change: (layer: LayerProgress) => Partial<LayerProgress>, tell = true): void {
    this.#layers = this.#layers.map((layer) => (layer.digest === digest ? Object.assign({}, layer, change(layer)) : layer));
    if (tell) this.#tell();
  }

  #tell(): void {
    this.#toldAt = this.#clock();
    try {
      this.#listener?.({ phase: this.#phase, layers: this.#layers });
    } catch {
      // who listens badly must not break the work
    }
  }
}

import type { ProgressEvent, Unit } from './event.ts';

/** Where a component stands. */
export interface ComponentState {
  readonly id: string;
  readonly state: 'running' | 'done' | 'skipped';
  readonly unit: Unit;
  readonly total?: number;
  /** Never decreases, also when a component starts again. */
  readonly fetched: number;
}

/** Adds events up, for renderers: what each component has done and what all have. Sums never run backwards. */
export class Tally {
  readonly #components = new Map<string, ComponentState>();
  #plan: { readonly components: number; readonly bytesTotal: number; readonly bytesPresent: number } | undefined;
  #bytes = 0;

  /** Components in the order they were first heard of. */
  get components(): readonly ComponentState[] {
    return [...this.#components.values()];
  }

  component(id: string): ComponentState | undefined {
    return this.#components.get(id);
  }

  /** Components that are done or skipped. */
  get finished(): number {
    let count = 0;
    for (const { state } of this.#components.values()) if (state !== 'running') count++;
    return count;
  }

  /** How many components there will be: as planned, or at least those heard of. */
  get planned(): number {
    return Math.max(this.#plan?.components ?? 0, this.#components.size);
  }

  /** Bytes fetched or present already. */
  get bytes(): number {
    return this.#bytes + (this.#plan?.bytesPresent ?? 0);
  }

  /** Bytes there will be in the end: as planned, else undefined. */
  get bytesTotal(): number | undefined {
    return this.#plan && Math.max(this.#plan.bytesTotal, this.bytes);
  }

  /** Take an event into account. */
  apply(event: ProgressEvent): void {
    switch (event.type) {
      case 'plan':
        this.#plan = event;
        break;
      case 'started':
        this.#update(event.id, { state: 'running', unit: event.unit, ...(event.total !== undefined && { total: event.total }) });
        break;
      case 'progress':
        this.#update(event.id, { fetched: event.fetched, ...(event.total !== undefined && { total: event.total }) });
        break;
      case 'skipped':
        this.#update(event.id, { state: 'skipped' });
        break;
      case 'done':
        this.#update(event.id, { state: 'done', fetched: event.transferred });
        break;
      default:
    }
  }

  #update(id: string, change: Partial<ComponentState>): void {
    const before = this.#components.get(id) ?? { id, state: 'running', unit: 'bytes', fetched: 0 };
    const fetched = Math.max(before.fetched, change.fetched ?? 0);
    const after: ComponentState = { ...before, ...change, fetched };
    if (after.unit === 'bytes') this.#bytes += fetched - before.fetched;
    this.#components.set(id, after);
  }
}

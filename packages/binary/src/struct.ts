import type { Field } from './field.ts';

/** A field made of named fields, one after the other without padding. */
export interface Struct<T> extends Field<T> {
  /** Where each field starts, from the start of the struct. */
  readonly offsets: Readonly<Record<keyof T, number>>;
}

/**
 * Declare a structure as a table in on-disk order. Type, size, offsets, reader and writer all come from it, and the result is
 * itself a field, so structures nest.
 *
 * A record of eleven fields takes about half a microsecond; a loop over millions of records deserves setters of its own.
 */
export function struct<T extends object>(fields: { readonly [K in keyof T]: Field<T[K]> }): Struct<T> {
  const { layout, offsets, size } = layOut(fields);
  return {
    size,
    offsets,
    get(view, at) {
      const value: Partial<T> = {};
      for (const { name, field, offset } of layout) value[name] = field.get(view, at + offset);
      return value as T;
    },
    set(view, at, value) {
      for (const { name, field, offset } of layout) field.set(view, at + offset, value[name]);
    },
  };
}

interface Placed<T> {
  readonly name: keyof T;
  readonly field: Field<T[keyof T]>;
  readonly offset: number;
}

function layOut<T extends object>(fields: { readonly [K in keyof T]: Field<T[K]> }): {
  layout: readonly Placed<T>[];
  offsets: Record<keyof T, number>;
  size: number;
} {
  const layout: Placed<T>[] = [];
  const offsets: Partial<Record<keyof T, number>> = {};
  let size = 0;
  for (const name of Object.keys(fields) as (keyof T)[]) {
    const field: Field<T[keyof T]> = fields[name];
    layout.push({ name, field, offset: size });
    offsets[name] = size;
    size += field.size;
  }
  return { layout, offsets: offsets as Record<keyof T, number>, size };
}

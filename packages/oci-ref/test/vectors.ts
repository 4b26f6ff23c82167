import { readFileSync } from 'node:fs';

interface Vectors {
  readonly image_reference: readonly {
    readonly input: string;
    readonly ok: boolean;
    readonly transport?: string;
    readonly name?: string;
    readonly display?: string;
    readonly error_kind?: string;
    readonly error?: string;
  }[];
  readonly transport_only: { readonly cases: readonly { readonly input: string; readonly transport?: string; readonly error?: string }[] };
  readonly transport_display: Readonly<Record<string, string>>;
  readonly oci_layout_ref: Readonly<
    Record<'cases' | 'extra', readonly { readonly input: string; readonly path: string; readonly tag: string | null }[]>
  >;
  readonly containers_storage: {
    readonly cases: readonly {
      readonly name: string;
      readonly store_spec: string | null;
      readonly image: string;
      readonly image_for_skopeo: string;
      readonly normalized: string;
    }[];
    readonly prefix: { readonly cases: readonly { readonly input: string; readonly image: string | null }[] };
  };
  readonly tag_encoding: {
    readonly ref_path: string;
    readonly cases: readonly { readonly name: string; readonly encoded: string }[];
    readonly decode_only: readonly { readonly encoded: string; readonly decoded: string }[];
  };
  readonly ref_name_rules: readonly { readonly name: string; readonly ok: boolean; readonly error?: string }[];
  readonly content_identifiers: Readonly<Record<string, string>>;
}

export const vectors: Vectors = JSON.parse(readFileSync(new URL('vectors/oci-ref.json', import.meta.url), 'utf8')) as Vectors;

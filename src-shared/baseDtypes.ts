/** How a frozen base is kept in memory. Names of settings and command line; `f32` is an ordinary tensor. */
export const BASE_DTYPES = ['f32', 'f16', 'bf16', 'int8', 'nf4'] as const;
export type BaseDtype = (typeof BASE_DTYPES)[number];

/** Of embedding and head. */
export const EMBEDDING_DTYPES = ['f32', 'f16', 'bf16', 'int8'] as const satisfies readonly BaseDtype[];
export type EmbeddingDtype = (typeof EMBEDDING_DTYPES)[number];

/** What is absent is float32. */
export interface BaseForms {
  /** Of the linear layers. */
  baseDtype?: BaseDtype | undefined;
  /** Of the token embeddings and the vocabulary projection. */
  embeddingDtype?: EmbeddingDtype | undefined;
}

/** Nothing but the forms of a spec, a draft or parameters. */
export function baseFormsOf({ baseDtype, embeddingDtype }: BaseForms): BaseForms {
  return { baseDtype, embeddingDtype };
}

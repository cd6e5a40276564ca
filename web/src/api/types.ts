// The shapes of docs/http-api.md.
export interface Model {
  name: string;
  family: string;
  n_layers: number;
  n_heads: number;
  n_kv_heads: number;
  head_dim: number;
  d_model: number;
  vocab_size: number;
  max_len: number;
  causal: boolean;
  parameters: number;
  tokenizer: string | null;
}

export interface Models {
  models: Model[];
  default: string | null;
}

/** `begin` and `end` are byte offsets into the UTF-8 text. */
export interface Token {
  id: number;
  piece: string;
  begin: number;
  end: number;
  special: boolean;
}

export interface Trace {
  id: string;
  model: Model;
  text: string;
  length: number;
  tokens: Token[];
  attention: string;
}

export interface HeadRow {
  head: number;
  kv_head: number;
  row: number[];
  entropy: number;
}

export interface Rows {
  layer: number;
  query: number;
  heads: HeadRow[];
  average_of_heads: number[];
}

/** Thumbnails of every pattern: `data` is [n_layers, n_heads, size, size]. */
export interface Overview {
  layers: number;
  heads: number;
  size: number;
  data: Float32Array;
}

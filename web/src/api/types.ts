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
  /** What is on record about its heads: "abilities", "emergence". */
  records?: string[];
  /** A model that was trained as this one was, with one head; null, or not said: there is none. */
  single_head_twin?: string | null;
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

/** The attention kernel that ran, and why those before it in the list did not. */
export interface Kernels {
  ran: string;
  isa: string;
  declined: { kernel: string; reason: string }[];
}

export interface Trace {
  id: string;
  model: Model;
  text: string;
  length: number;
  tokens: Token[];
  attention: string;
  kernels: Kernels;
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
  entropy_of_average: number;
  mean_of_entropies: number;
  jsd: number;
  readers: Readers[];
  buried: BuriedToken[];
}

/** How the heads treat a token: how many of them read it. */
export type Readers = "none" | "divided" | "shared" | "consensus";

export interface BuriedToken {
  token: number;
  head: number;
  weight: number;
  average: number;
}

/** A summand of the attention output. */
export interface Added {
  norm: number;
  cosine: number;
  share: number;
}

export interface ConcatHead extends Added {
  head: number;
  kv_head: number;
  z: number[];
  head_out: number[];
}

export interface Concat {
  layer: number;
  query: number;
  heads: ConcatHead[];
  b_o: (Added & { vector: number[] }) | null;
  out: number[];
  norm: number;
  sources: Added[];
}

/** The most probable tokens after a run's token (for an encoder, at it); null: the model has no head for tokens. */
export interface Predictions {
  query: number;
  best: { id: number; piece: string; probability: number }[] | null;
}

export type How = "zero" | "mean" | "resample";

export interface Change {
  cosine: number;
  norm_before: number;
  norm_after: number;
  difference: number;
}

export interface Prediction {
  id: number;
  piece: string;
  before: number;
  after: number;
  direct: number;
}

export interface Ablation {
  how: How;
  heads: { layer: number; head: number; gate: number }[];
  query: number;
  final: { after: Change[]; direct: Change[] };
  layers: { layer: number; query: Change; mean_relative_difference: number }[];
  block: { layer: number; out: number[]; change: Change; sources: { before: number[]; after: number[] } };
  predictions: {
    kl_after: number;
    kl_direct: number;
    best: Prediction[];
    lost: Prediction[];
    gained: Prediction[];
  } | null;
}

/** A tensor of two dimensions, row by row. */
export interface Matrix {
  rows: number;
  columns: number;
  data: Float32Array;
}

/** Thumbnails of every pattern: `data` is [n_layers, n_heads, size, size]. */
export interface Overview {
  layers: number;
  heads: number;
  size: number;
  data: Float32Array;
}

/** Of every head over the whole text: [n_layers * n_heads] each. */
export interface Statistics {
  n_layers: number;
  n_heads: number;
  /** Tokens that take what is not given to words. */
  sinks: number[];
  /** Nats, a mean over the rows. */
  entropy: number[];
  /** Tokens. */
  distance: number[];
  /** Shares. */
  sink_mass: number[];
}

/** One measured call: its operations, the median of its times, how often it ran. */
export interface TimedCall {
  flops: number;
  seconds: number;
  runs: number;
  attention: string;
}

export interface LayerTime {
  d_model: number;
  n_heads: number;
  n_kv_heads: number;
  head_dim: number;
  length: number;
  parameters: number;
  cache_numbers: number;
  threads: number;
  whole: TimedCall;
  next: TimedCall;
}

/** Counts of words named right when heads are removed; [n_layers * n_heads] each. */
export interface Removal {
  right: number[];
  lost: number[];
}

export interface RelationAbility {
  language: "en" | "zh";
  relation: string;
  asked: number;
  right: number;
  pairs: number;
  /** Pairs whose second word is the head's strongest target from the first. */
  looks: number[];
  offset: number;
  offset_hits: number;
  without?: Record<How, Removal>;
}

export interface Role {
  layer: number;
  head: number;
  language: "en" | "zh";
  relation: string;
  looks: number;
  fixed_offset: number;
  cost: number;
  text: string;
}

/** Counts of words named right without a set of heads, and without random sets of as many others. */
export interface SetRemoval {
  relation: string;
  layer: number;
  heads: number[];
  asked: number;
  right: number;
  without: Record<How, { right: number; random: number[] }>;
}

export interface Abilities {
  model: string;
  n_layers: number;
  n_heads: number;
  sentences: number;
  relations: RelationAbility[];
  sets: SetRemoval[];
  roles: Role[];
}

export interface SnapshotRelation {
  language: "en" | "zh";
  relation: string;
  /** Counts that the percents are of; older records have none. */
  asked?: number;
  pairs?: number;
  /** Percent of the pairs that the best fixed distance finds. */
  offset?: number;
  /** Percent of the hidden words that are named. */
  right: number;
  /** Percent of the pairs that each head looks along. */
  heads: number[];
}

export interface SnapshotSentence {
  text: string;
  tokens: string[];
  /** A character for each weight, [layer, head, query, key]. */
  patterns: string;
}

export interface Snapshot {
  step: number;
  relations: SnapshotRelation[];
  sentences: SnapshotSentence[];
}

export interface Emergence {
  model: string;
  snapshots: Snapshot[];
}

/** A training that was asked for: at most one runs. */
export interface Training {
  id: string;
  state: "running" | "stopping" | "ended";
  steps: number;
  seed: number;
}

export interface TrainingStart {
  steps: number;
  seed: number;
  sequences: number;
  n_layers: number;
  n_heads: number;
  d_model: number;
  parameters: number;
}

export interface TrainingStep {
  step: number;
  /** Nats for each word that was asked. */
  loss: number;
  accuracy: number;
  seconds: number;
  tokens_per_second: number;
}

/** A relation's hidden words, in sentences that hold words which never met in training. */
export interface HeldOut {
  language: "en" | "zh";
  relation: string;
  asked: number;
  accuracy: number;
}

export interface TrainingEnd {
  outcome: "finished" | "stopped" | "failed";
  step?: number;
  seconds?: number;
  heldout?: HeldOut[];
  message?: string;
}

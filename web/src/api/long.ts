// Long texts: a trace that grows a layer at a time, and looks at parts of it (docs/http-api.md).
import { ApiError, call, posted, readTensor, type Input } from "./client.ts";
import type { Model, Token } from "./types.ts";

export interface LongTrace {
  id: string;
  model: Model;
  length: number;
  text_bytes: number;
  layers_recorded: number;
  past_max_len: boolean;
  bytes: number;
}

/** A grid of cells: the mean and the maximum of the weights that each covers. */
export interface PatternMap {
  rows: number;
  columns: number;
  mean: Float32Array;
  max: Float32Array;
  /** Queries read, of those that there are: fewer when all would take too long. */
  rowsRead: number;
  rowsAll: number;
}

export interface TokenWindow {
  from: number;
  to: number;
  tokens: Token[];
  text: string;
  text_begin: number;
}

/** A token in its surroundings. */
export interface Target {
  token: number;
  weight: number;
  before: string;
  word: string;
  after: string;
}

export interface Strongest {
  layer: number;
  head: number;
  query: number;
  self: Target;
  entropy: number;
  rest: number;
  targets: Target[];
}

export interface MapAsked {
  readonly layer: number;
  readonly head: number;
  readonly rows: string;
  readonly columns: string;
  readonly size: number;
}

const at = (trace: string, part: string, query: Readonly<Record<string, string | number>>) =>
  `traces/${encodeURIComponent(trace)}/${part}?${new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]))}`;

const asJson = <T>(response: Response) => response.json() as Promise<T>;

export function postLongTrace(model: string, input: Input, past: boolean, signal: AbortSignal): Promise<LongTrace> {
  return call("traces", { ...posted({ model, ...input, long: true, past_max_len: past }), signal }, asJson<LongTrace>);
}

export function fetchLongTrace(trace: string): Promise<LongTrace> {
  return call(`traces/${encodeURIComponent(trace)}`, {}, asJson<LongTrace>);
}

/** Records the next layer while fewer than `layers` are. */
export function recordLayer(trace: string, layers: number): Promise<LongTrace> {
  return call(at(trace, "record", { layers }), {}, asJson<LongTrace>);
}

export function fetchTokens(trace: string, from: number, to: number): Promise<TokenWindow> {
  return call(at(trace, "tokens", { from, to }), {}, asJson<TokenWindow>);
}

export function fetchFound(trace: string, text: string, from: number): Promise<{ token: number | null }> {
  return call(at(trace, "find", { text, from }), {}, asJson<{ token: number | null }>);
}

export function fetchStrongest(trace: string, layer: number, head: number, query: number): Promise<Strongest> {
  return call(at(trace, "strongest", { layer, head, query, count: 8 }), {}, asJson<Strongest>);
}

export function fetchMap(trace: string, asked: MapAsked): Promise<PatternMap> {
  return call(at(trace, "map", { ...asked }), {}, async (response) => {
    const { shape, data } = await readTensor(response, 3);
    const [, rows, columns] = shape as [number, number, number];
    const [rowsRead, rowsAll] = (response.headers.get("X-Rows-Read") ?? "").split(",").map(Number);
    if (shape[0] !== 2 || !rowsRead || !rowsAll) throw new ApiError(0, "the map does not say what it shows");
    return { rows, columns, mean: data.subarray(0, rows * columns), max: data.subarray(rows * columns), rowsRead, rowsAll };
  });
}

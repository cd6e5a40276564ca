// The only file that talks to the server.
import { ask } from "./snapshot.ts";
import { beginWork } from "../state/idle.ts";
import type { Abilities, Ablation, Concat, Emergence, How, LayerTime, Matrix, Models, Overview, Predictions, Rows, Statistics, Trace, Training } from "./types.ts";

const kBase = "api/v1";

/** A file was asked for something that is not in it. */
export const kNotRecorded = -1;

/** A refusal by the engine (`status` > 0, its own words) or no answer at all (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function refusal(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as { error?: { message?: string } };
    return new ApiError(response.status, body.error?.message ?? response.statusText);
  } catch {
    return new ApiError(response.status, response.statusText);
  }
}

export async function call<T>(path: string, init: RequestInit, read: (response: Response) => Promise<T>): Promise<T> {
  const done = beginWork();
  try {
    const response = await ask(path, `${kBase}/${path}`, init);
    if (!response) throw new ApiError(kNotRecorded, path);
    if (!response.ok) throw await refusal(response);
    return await read(response);
  } catch (error) {
    if (error instanceof ApiError || (error instanceof DOMException && error.name === "AbortError")) throw error;
    throw new ApiError(0, String(error));
  } finally {
    done();
  }
}

const asJson = <T>(response: Response) => response.json() as Promise<T>;

export function fetchModels(): Promise<Models> {
  return call("models", {}, asJson<Models>);
}

/** What was measured of a model's heads over labelled sentences; null: of the only model in a file. */
export function fetchAbilities(model: string | null): Promise<Abilities> {
  return call(model === null ? "abilities" : `abilities?model=${encodeURIComponent(model)}`, {}, asJson<Abilities>);
}

/** What a model's heads looked at while it was trained. */
export function fetchEmergence(model: string): Promise<Emergence> {
  return call(`emergence?model=${encodeURIComponent(model)}`, {}, asJson<Emergence>);
}

/** How long a layer takes on the engine's machine; refused when it would take too long, or its parts do not fit. */
export function fetchLayerTime(asked: Readonly<Record<"d_model" | "n_heads" | "n_kv_heads" | "length", number>>): Promise<LayerTime> {
  const query = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)]));
  return call(`layer_time?${query}`, {}, asJson<LayerTime>);
}

export type Input = { text: string } | { ids: number[] };

export function posted(body: object): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

/** `gates` are those of heads that are not fully on, by "layer.head". */
export function postTrace(model: string, input: Input, signal: AbortSignal, gates: Readonly<Record<string, number>> = {}): Promise<Trace> {
  const asked = { model, ...input, ...(Object.keys(gates).length > 0 ? { gates } : {}) };
  return call("traces", { ...posted(asked), signal }, asJson<Trace>);
}

export interface AblationAsked {
  readonly trace: string;
  /** Gates by "layer.head". */
  readonly heads: Readonly<Record<string, number>>;
  readonly how: How;
  /** The text, or the ids, that a resample ablation takes z from. */
  readonly other?: string | number[];
  readonly query: number;
  readonly layer: number;
}

export interface TrainingAsked {
  readonly seed: number;
  readonly n_heads: number;
}

/** Starts a training; refused with 429 while another runs. */
export function postTraining(asked: TrainingAsked): Promise<Training> {
  return call("trainings", posted(asked), asJson<Training>);
}

export function fetchTrainings(): Promise<{ trainings: Training[] }> {
  return call("trainings", {}, asJson<{ trainings: Training[] }>);
}

export function stopTraining(id: string): Promise<Training> {
  return call(`trainings/${encodeURIComponent(id)}`, { method: "DELETE" }, asJson<Training>);
}

/** The stream of a training's events after the number `seen`; its body goes on until the last. */
export function openTrainingEvents(id: string, seen: number, signal: AbortSignal): Promise<Response> {
  return call(`trainings/${encodeURIComponent(id)}/events?after=${seen}`, { signal }, async (response) => response);
}

export function postAblation(asked: AblationAsked): Promise<Ablation> {
  return call("ablations", posted(asked), asJson<Ablation>);
}

export function fetchConcat(trace: string, layer: number, query: number): Promise<Concat> {
  return call(`traces/${encodeURIComponent(trace)}/concat?layer=${layer}&query=${query}`, {}, asJson<Concat>);
}

/** The rows of W_O that a head meets: [head_dim, d_model]. */
export function fetchProjection(trace: string, layer: number, head: number): Promise<Matrix> {
  return call(`traces/${encodeURIComponent(trace)}/w_o?layer=${layer}&head=${head}`, {}, readMatrix);
}

/** What every token offers a head: v, [T, head_dim]. */
export function fetchValues(trace: string, layer: number, head: number): Promise<Matrix> {
  return call(`traces/${encodeURIComponent(trace)}/values?layer=${layer}&head=${head}`, {}, readMatrix);
}

export function fetchRows(trace: string, layer: number, query: number): Promise<Rows> {
  return call(`traces/${encodeURIComponent(trace)}/rows?layer=${layer}&query=${query}`, {}, asJson<Rows>);
}

/** Entropy, distance and sink mass of every head over the whole text. */
export function fetchStatistics(trace: string): Promise<Statistics> {
  return call(`traces/${encodeURIComponent(trace)}/statistics`, {}, asJson<Statistics>);
}

/** Who reads a token: its column in every head of a layer, [n_heads, T]. */
export function fetchColumns(trace: string, layer: number, key: number): Promise<Matrix> {
  return call(`traces/${encodeURIComponent(trace)}/columns?layer=${layer}&key=${key}`, {}, readMatrix);
}

/** The norm of what each token hands out, v W_O, in every head of a layer: [n_heads, T]. */
export function fetchValueNorms(trace: string, layer: number): Promise<Matrix> {
  return call(`traces/${encodeURIComponent(trace)}/value_norms?layer=${layer}`, {}, readMatrix);
}

/** Enough that what is likely on one side is found on the other. */
const kPredictions = 100;

export function fetchPredictions(trace: string, query: number): Promise<Predictions> {
  return call(`traces/${encodeURIComponent(trace)}/predictions?query=${query}&top=${kPredictions}`, {}, asJson<Predictions>);
}

/** A place in a trace: what is looked at on one side. */
export interface Place {
  readonly trace: string;
  readonly layer: number;
  readonly query: number;
}

/** The view as a file of HTML; with `against`, the comparison of both. */
export function fetchExport({ trace, layer, query }: Place, search: string, against: Place | null = null): Promise<string> {
  const other = against ? { against: against.trace, layer2: String(against.layer), query2: String(against.query) } : {};
  const asked = new URLSearchParams({ layer: String(layer), query: String(query), search, ...other });
  return call(`traces/${encodeURIComponent(trace)}/export?${asked}`, {}, (response) => response.text());
}

export function fetchOverview(trace: string, size: number): Promise<Overview> {
  return call(`traces/${encodeURIComponent(trace)}/overview?size=${size}`, {}, readOverview);
}

export async function readTensor(response: Response, rank: number): Promise<{ shape: number[]; data: Float32Array }> {
  const shape = (response.headers.get("X-Shape") ?? "").split(",").map(Number);
  const bytes = await response.arrayBuffer();
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (shape.length !== rank || bytes.byteLength !== 4 * count) {
    throw new ApiError(0, `${bytes.byteLength} bytes do not fill the shape [${shape.join(", ")}]`);
  }
  return { shape, data: littleEndianFloats(bytes) };
}

async function readMatrix(response: Response): Promise<Matrix> {
  const { shape, data } = await readTensor(response, 2);
  return { rows: shape[0]!, columns: shape[1]!, data };
}

async function readOverview(response: Response): Promise<Overview> {
  const { shape, data } = await readTensor(response, 4);
  return { layers: shape[0]!, heads: shape[1]!, size: shape[2]!, data };
}

function littleEndianFloats(bytes: ArrayBuffer): Float32Array {
  const view = new DataView(bytes);
  return Float32Array.from({ length: bytes.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

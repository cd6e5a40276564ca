// The only file that talks to the server.
import { beginWork } from "../state/idle.ts";
import type { Models, Overview, Rows, Trace } from "./types.ts";

const kBase = "api/v1";

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

async function call<T>(path: string, init: RequestInit, read: (response: Response) => Promise<T>): Promise<T> {
  const done = beginWork();
  try {
    const response = await fetch(`${kBase}/${path}`, init);
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

export type Input = { text: string } | { ids: number[] };

export function postTrace(model: string, input: Input, signal: AbortSignal): Promise<Trace> {
  const init = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model, ...input }),
    signal,
  };
  return call("traces", init, asJson<Trace>);
}

export function fetchRows(trace: string, layer: number, query: number): Promise<Rows> {
  return call(`traces/${encodeURIComponent(trace)}/rows?layer=${layer}&query=${query}`, {}, asJson<Rows>);
}

export function fetchOverview(trace: string, size: number): Promise<Overview> {
  return call(`traces/${encodeURIComponent(trace)}/overview?size=${size}`, {}, readOverview);
}

async function readOverview(response: Response): Promise<Overview> {
  const shape = (response.headers.get("X-Shape") ?? "").split(",").map(Number);
  const bytes = await response.arrayBuffer();
  const [layers = 0, heads = 0, rows = 0, columns = 0] = shape;
  const count = layers * heads * rows * columns;
  if (shape.length !== 4 || rows !== columns || bytes.byteLength !== 4 * count) {
    throw new ApiError(0, `overview: ${bytes.byteLength} bytes do not fill the shape [${shape.join(", ")}]`);
  }
  return { layers, heads, size: rows, data: littleEndianFloats(bytes) };
}

function littleEndianFloats(bytes: ArrayBuffer): Float32Array {
  const view = new DataView(bytes);
  return Float32Array.from({ length: bytes.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

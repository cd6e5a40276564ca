// In a file that was exported the engine's answers stand in the page itself: same questions, no network.

interface Answer {
  readonly json?: unknown;
  readonly shape?: string;
  readonly bytes?: string;
}

interface Snapshot {
  /** The address that the file opens with. */
  readonly search: string;
  readonly text: string;
  readonly answers: Readonly<Record<string, Answer>>;
}

function read(): Snapshot | null {
  const element = typeof document === "undefined" ? null : document.getElementById("snapshot");
  return element ? (JSON.parse(element.textContent ?? "") as Snapshot) : null;
}

export const snapshot = read();

/** A file of a comparison holds both its sides. */
export const snapshotCompares = new URLSearchParams(snapshot?.search ?? "").get("view") === "compare";

/** JSON with its keys in order, as the engine writes it. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(",")}}`;
}

/** What an answer is kept under: "GET path" or "POST path body". */
export function keyOf(path: string, init: RequestInit): string {
  return init.method === "POST" ? `POST ${path} ${canonical(JSON.parse(String(init.body)))}` : `GET ${path}`;
}

export function answerOf({ json, shape, bytes }: Answer): Response {
  if (bytes === undefined) return new Response(JSON.stringify(json));
  const binary = Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0));
  return new Response(binary, { headers: { "X-Shape": shape ?? "" } });
}

/** The engine's answer, or the recorded one; null when a file has none. */
export function ask(path: string, url: string, init: RequestInit): Promise<Response> | Response | null {
  if (!snapshot) return fetch(url, init);
  const answer = snapshot.answers[keyOf(path, init)];
  return answer ? answerOf(answer) : null;
}

// The page's state as its address: what is here survives reload, back and sharing.

export type View = "example" | "model" | "dimensions" | "compare" | "long";
export type Language = "en" | "zh";
export type Theme = "light" | "dark";
/** What the cards' light stands for instead of weights (state/light.ts). */
export type Light = "norms" | "readers";
export type Replacement = "zero" | "mean" | "resample";

export interface UrlState {
  readonly view: View | null;
  readonly model: string | null;
  readonly text: string | null;
  /** The scenario that the text is from (maths/scenarios.ts). */
  readonly scenario: string | null;
  readonly layer: number | null;
  readonly query: number | null;
  /** The head that lights the sentence, of the layer that is open. */
  readonly head: number | null;
  /** Heads whose cards stay on show (maths/pins.ts). */
  readonly pins: string;
  /** A card for every head of the layer; null: for four. */
  readonly cards: "all" | null;
  readonly hideSpecial: boolean;
  readonly light: Light | null;
  /** What the grid of heads is coloured by, and the axes of the scatter plot (state/glance.ts). */
  readonly glance: string;
  /** Gates of heads that are not fully on (maths/gates.ts). */
  readonly gates: string;
  /** What stands in for a head that is off; null: zero. */
  readonly how: Replacement | null;
  /** The text, or ids, that a resampled head takes its part from. */
  readonly other: string | null;
  /** Side B of a comparison, where it is not that of side A: model, text, layer, query token. */
  readonly model2: string | null;
  readonly text2: string | null;
  readonly layer2: number | null;
  readonly query2: number | null;
  /** The order of the heads in a comparison; null: by difference. */
  readonly order: "number" | null;
  /** Shown in another page's frame, with less around it. */
  readonly embed: boolean;
  /** Edits of the worked example (maths/example_edits.ts). */
  readonly edits: string;
  /** Sentence, words and heads of the worked example, where they are one's own (maths/setting.ts). */
  readonly hand: string;
  /** The exercise under way. */
  readonly task: "invent" | null;
  /** The layer on the dimensions page (maths/dimensions.ts). */
  readonly dims: string;
  /** The step of the walk that is open, from 1. */
  readonly walk: number | null;
  /** The long trace that is looked at, and the part of it (maths/long_map.ts). */
  readonly long: string | null;
  readonly map: string;
  readonly language: Language | null;
  readonly theme: Theme | null;
}

export const kEmptyState: UrlState = {
  view: null,
  model: null,
  text: null,
  scenario: null,
  layer: null,
  query: null,
  head: null,
  pins: "",
  cards: null,
  hideSpecial: false,
  light: null,
  glance: "",
  gates: "",
  how: null,
  other: null,
  model2: null,
  text2: null,
  layer2: null,
  query2: null,
  order: null,
  embed: false,
  edits: "",
  hand: "",
  task: null,
  dims: "",
  walk: null,
  long: null,
  map: "",
  language: null,
  theme: null,
};

function oneOf<T extends string>(text: string | null, allowed: readonly T[]): T | null {
  return allowed.find((value) => value === text) ?? null;
}

function index(text: string | null): number | null {
  return text !== null && /^\d{1,7}$/.test(text) ? Number(text) : null;
}

export function parseUrl(search: string): UrlState {
  const query = new URLSearchParams(search);
  return {
    view: oneOf(query.get("view"), ["example", "model", "dimensions", "compare", "long"]),
    model: query.get("model"),
    text: query.get("text"),
    scenario: query.get("scenario"),
    layer: index(query.get("layer")),
    query: index(query.get("query")),
    head: index(query.get("head")),
    pins: query.get("pins") ?? "",
    cards: oneOf(query.get("cards"), ["all"]),
    hideSpecial: query.get("special") === "hide",
    light: oneOf(query.get("light"), ["norms", "readers"]),
    glance: query.get("glance") ?? "",
    gates: query.get("gates") ?? "",
    how: oneOf(query.get("how"), ["zero", "mean", "resample"]),
    other: query.get("other"),
    model2: query.get("model2"),
    text2: query.get("text2"),
    layer2: index(query.get("layer2")),
    query2: index(query.get("query2")),
    order: oneOf(query.get("order"), ["number"]),
    embed: query.get("embed") === "1" || query.get("embed") === "",
    edits: query.get("edits") ?? "",
    hand: query.get("hand") ?? "",
    task: oneOf(query.get("task"), ["invent"]),
    dims: query.get("dims") ?? "",
    walk: index(query.get("walk")),
    long: query.get("long"),
    map: query.get("map") ?? "",
    language: oneOf(query.get("lang"), ["en", "zh"]),
    theme: oneOf(query.get("theme"), ["light", "dark"]),
  };
}

/** The search part of the address, "" when nothing differs from a fresh page. */
export function formatUrl(state: UrlState): string {
  const query = new URLSearchParams();
  const put = (key: string, value: string | number | null) => {
    if (value !== null && value !== "") query.set(key, String(value));
  };
  put("view", state.view);
  put("model", state.model);
  put("text", state.text);
  put("scenario", state.scenario);
  put("layer", state.layer);
  put("query", state.query);
  put("head", state.head);
  put("pins", state.pins);
  put("cards", state.cards);
  put("special", state.hideSpecial ? "hide" : null);
  put("light", state.light);
  put("glance", state.glance);
  put("gates", state.gates);
  put("how", state.how);
  put("other", state.other);
  put("model2", state.model2);
  put("text2", state.text2);
  put("layer2", state.layer2);
  put("query2", state.query2);
  put("order", state.order);
  put("embed", state.embed ? "1" : null);
  put("edits", state.edits);
  put("hand", state.hand);
  put("task", state.task);
  put("dims", state.dims);
  put("walk", state.walk);
  put("long", state.long);
  put("map", state.map);
  put("lang", state.language);
  put("theme", state.theme);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

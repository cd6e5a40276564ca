// Sentences worth a look, each with a word that looks and a word that some head should find for it.
import type { ShownToken } from "./tokens.ts";

export type Relation =
  | "coreference"
  | "attribute"
  | "subject_verb"
  | "verb_object"
  | "verb_place"
  | "negation"
  | "tense"
  | "collocation"
  | "indirect_object";

export interface Scenario {
  readonly id: string;
  readonly language: "en" | "zh";
  readonly relation: Relation;
  /** The word that looks stands between ‹ ›, the word to be found between « ». */
  readonly marked: string;
}

export const kScenarios: readonly Scenario[] = [
  { id: "tired", language: "en", relation: "coreference", marked: "The «animal» didn't cross the street because ‹it› was too tired." },
  { id: "wide", language: "en", relation: "coreference", marked: "The animal didn't cross the «street» because ‹it› was too wide." },
  { id: "horse", language: "en", relation: "attribute", marked: "The «horse» crossed the road because it was ‹tired›." },
  { id: "cat", language: "en", relation: "subject_verb", marked: "The black «cat» ‹sat› on the mat." },
  { id: "mat", language: "en", relation: "verb_place", marked: "The black cat ‹sat› on the «mat»." },
  { id: "banana", language: "en", relation: "verb_object", marked: "The «banana» was ‹eaten› by the rabbit because it was too ripe." },
  { id: "heavy", language: "en", relation: "negation", marked: "The box is ‹not› «heavy» because the box is light." },
  { id: "yesterday", language: "en", relation: "tense", marked: "‹Yesterday› the girl «did» not read the book." },
  { id: "rain", language: "en", relation: "collocation", marked: "The ‹heavy› «rain» stopped." },
  { id: "mary", language: "en", relation: "indirect_object", marked: "When «Mary» and John went to the shop, John gave a drink to ‹Mary›." },
  { id: "blocks", language: "zh", relation: "coreference", marked: "机器人拿起红色的«积木»，因为‹它›很轻。" },
  { id: "robot", language: "zh", relation: "coreference", marked: "«动物»没有过马路，因为‹它›太累了。" },
  { id: "road", language: "zh", relation: "coreference", marked: "动物没有过«马路»，因为‹它›太宽了。" },
  { id: "red", language: "zh", relation: "attribute", marked: "机器人拿起‹红色›的«积木»，因为它很轻。" },
  { id: "pick", language: "zh", relation: "verb_object", marked: "机器人‹拿起›红色的«积木»，因为它很轻。" },
  { id: "who", language: "zh", relation: "subject_verb", marked: "«机器人»‹拿起›红色的积木，因为它很轻。" },
  { id: "not", language: "zh", relation: "negation", marked: "箱子‹不›«重»，因为箱子很轻。" },
  { id: "drink", language: "zh", relation: "indirect_object", marked: "«玛丽»和约翰去了商店，约翰把饮料给了‹玛丽›。" },
];

export function textOf(scenario: Scenario): string {
  return scenario.marked.replace(/[‹›«»]/g, "");
}

export function scenarioById(id: string | null): Scenario | null {
  return kScenarios.find((one) => one.id === id) ?? null;
}

interface Span {
  readonly word: string;
  /** UTF-8 bytes of the text, [begin, end). */
  readonly begin: number;
  readonly end: number;
}

function span({ marked }: Scenario, open: string, close: string): Span {
  const [before, rest] = marked.split(open) as [string, string];
  const word = rest.split(close)[0]!;
  const bytes = (text: string) => new TextEncoder().encode(text.replace(/[‹›«»]/g, "")).length;
  return { word, begin: bytes(before), end: bytes(before) + bytes(word) };
}

export const querySpan = (scenario: Scenario): Span => span(scenario, "‹", "›");
export const targetSpan = (scenario: Scenario): Span => span(scenario, "«", "»");

/** The tokens that stand for some of the span's bytes. */
export function tokensOf({ begin, end }: Span, tokens: readonly ShownToken[]): number[] {
  return tokens.filter((token) => !token.special && token.begin < end && token.end > begin).map((token) => token.index);
}

export interface Link {
  /** The token that looks, and those of the word that it should find. */
  readonly query: number;
  readonly targets: readonly number[];
}

/** Who looks for whom. In a causal model only the later word can look. Null when the tokens do not hold the words. */
export function linkOf(scenario: Scenario, tokens: readonly ShownToken[], causal: boolean): Link | null {
  let [looks, found] = [tokensOf(querySpan(scenario), tokens), tokensOf(targetSpan(scenario), tokens)];
  if (causal && looks.at(-1)! < found[0]!) [looks, found] = [found, looks];
  const query = looks.at(-1);
  return query === undefined || found.length === 0 ? null : { query, targets: found };
}

export interface Finding extends Link {
  readonly layer: number;
  readonly head: number;
  readonly weight: number;
}

/** Of all heads the one that gives the target most; `rows[layer][head]` is the query's row. */
export function strongestLink(link: Link, rows: readonly (readonly (readonly number[])[])[]): Finding {
  const all = rows.flatMap((heads, layer) =>
    heads.map((row, head) => ({ ...link, layer, head, weight: link.targets.reduce((sum, target) => sum + (row[target] ?? 0), 0) })),
  );
  return all.reduce((best, one) => (one.weight > best.weight ? one : best));
}

// Other sentences, words and heads for the example by hand, and their form in the address:
// "2.8.1-6-7-9-10.The animal …" (heads, query word, words that are read, sentence).
import { blank, kHeadDim, kMostHeads, kMostKeys, kMostSentence, kMostWords, kOriginal, wordsOf, type Example, type Setting } from "./example.ts";
import { Rational } from "./rational.ts";

const kQueries = ["it", "它", "they", "she", "he", "他", "她"];
const kFirstKeys = 5;

/** Chinese is written without spaces: its words are told apart, so that each can be chosen. */
function spaced(text: string): string {
  if (!/\p{Script=Han}/u.test(text) || typeof Intl.Segmenter !== "function") return text;
  const parts = [...new Intl.Segmenter("zh", { granularity: "word" }).segment(text)];
  return parts.map((part) => part.segment).join(" ");
}

/** The sentence as the example keeps it: words without the marks around them, single spaces between. */
export function cleanSentence(text: string): string {
  return spaced(text.normalize("NFC").slice(0, kMostSentence))
    .split(/\s+/u)
    .map((word) => word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, ""))
    .filter((word) => word !== "")
    .slice(0, kMostWords)
    .join(" ")
    .slice(0, kMostSentence)
    .trim();
}

function isIncreasing(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || values[i - 1]! < value);
}

/** Why something is not a setting, null when it is one. */
export function settingFault({ sentence, query, keys, heads }: Setting): "sentence" | "query" | "words" | "heads" | null {
  const count = wordsOf(sentence).length;
  const isWord = (index: number) => Number.isInteger(index) && index >= 0 && index < count;
  if (count < 2 || count > kMostWords || sentence.length > kMostSentence || wordsOf(sentence).join(" ") !== sentence) return "sentence";
  if (!isWord(query)) return "query";
  if (keys.length < 1 || keys.length > kMostKeys || !keys.every(isWord) || !isIncreasing(keys)) return "words";
  return Number.isInteger(heads) && heads >= 1 && heads <= kMostHeads ? null : "heads";
}

export function sameSetting(a: Setting, b: Setting): boolean {
  return a.sentence === b.sentence && a.query === b.query && a.heads === b.heads && a.keys.join() === b.keys.join();
}

/** The example that edits of this setting start from. */
export function startOf(setting: Setting): Example {
  return sameSetting(setting, kOriginal) ? kOriginal : blank(setting);
}

export function encodeSetting(setting: Setting): string {
  if (sameSetting(setting, kOriginal)) return "";
  return `${setting.heads}.${setting.query}.${setting.keys.join("-")}.${setting.sentence}`;
}

/** The original's setting for what is not one. */
export function decodeSetting(text: string): Setting {
  const match = /^(\d)\.(\d{1,2})\.(\d{1,2}(?:-\d{1,2})*)\.(.+)$/su.exec(text);
  if (!match) return kOriginal;
  const setting = {
    heads: Number(match[1]),
    query: Number(match[2]),
    keys: match[3]!.split("-").map(Number),
    sentence: match[4]!,
  };
  return settingFault(setting) === null ? setting : kOriginal;
}

/** A setting for a sentence of one's own: the first pronoun looks, the longest words are read. */
export function settingFor(sentence: string, heads: number): Setting {
  const words = wordsOf(sentence);
  const pronoun = words.findIndex((word) => kQueries.includes(word.toLowerCase()));
  const query = pronoun >= 0 ? pronoun : words.length - 1;
  const keys = words
    .map((word, index) => ({ index, length: word.length }))
    .filter((word) => word.index !== query)
    .sort((a, b) => b.length - a.length || a.index - b.index)
    .slice(0, kFirstKeys)
    .map((word) => word.index)
    .sort((a, b) => a - b);
  return { sentence, query, keys, heads };
}

/** The same numbers under another setting of the same sentence; a word that comes in has weight 0. */
export function withSetting(example: Example, setting: Setting): Example {
  const start = blank(setting);
  if (setting.sentence !== example.sentence) return startOf(setting);
  const before = setting.keys.map((key) => example.keys.indexOf(key));
  return {
    ...start,
    weights: start.weights.map((row, h) =>
      h < example.heads ? before.map((at) => example.weights[h]![at] ?? Rational.zero) : row,
    ),
    values: start.values.map((row, w) => example.values[before[w]!] ?? row),
    outputProjection: start.outputProjection.map((row, r) => row.map((value, c) => example.outputProjection[r]?.[c] ?? value)),
  };
}

/** Rows and columns of every matrix that a setting implies. */
export function extents(setting: Setting): { readonly weights: readonly [number, number]; readonly values: readonly [number, number]; readonly w_o: readonly [number, number] } {
  const width = setting.heads * kHeadDim;
  return { weights: [setting.heads, setting.keys.length], values: [setting.keys.length, kHeadDim], w_o: [width, width] };
}

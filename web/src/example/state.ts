// The example by hand lives in the address: what is edited is shared and undone with it.
import { computed, signal } from "@preact/signals";
import { kMostHeads, kMostKeys, kOriginal, type Example, type Setting } from "../maths/example.ts";
import { decodeEdits, edit, encodeEdits, type Cell } from "../maths/example_edits.ts";
import { kAnswers, kInvention, type Answers } from "../maths/invent.ts";
import type { Rational } from "../maths/rational.ts";
import { cleanSentence, decodeSetting, encodeSetting, sameSetting, settingFault, settingFor, withSetting } from "../maths/setting.ts";
import { navigate, part } from "../state/address.ts";
import { touchWork } from "../state/idle.ts";

const edits = part("edits");
const hand = part("hand");

const setting = computed(() => decodeSetting(hand.value));
export const task = part("task");

export const example = computed(() => decodeEdits(setting.value, edits.value));

export const isOriginal = computed(() => sameSetting(example.value, kOriginal));
export const isEdited = computed(() => !isOriginal.value || encodeEdits(example.value) !== "");

/** What was typed in the exercise; a new start forgets it. */
export const answers = signal<Answers>(Array.from({ length: kAnswers }, () => ""));
/** Whether the exercise shows its sums though they were not found. */
export const revealed = signal(false);

function show(next: Example, how: "push" | "replace"): void {
  navigate({ view: "example", hand: encodeSetting(next), edits: encodeEdits(next) }, how);
}

export function setCell(cell: Cell, value: Rational): void {
  show(edit(example.value, cell, value), "replace");
}

export function loadExample(next: Example): void {
  navigate({ view: "example", task: null, hand: encodeSetting(next), edits: encodeEdits(next) }, "push");
}

export function resetExample(): void {
  navigate({ edits: "", hand: "", task: null }, "push");
}

/** False when it is not a sentence of at least two words. */
export function changeSentence(text: string): boolean {
  const sentence = cleanSentence(text);
  if (sentence === example.value.sentence) return true;
  const next = settingFor(sentence, example.value.heads);
  if (settingFault(next) !== null) return false;
  show(withSetting(example.value, next), "push");
  return true;
}

function changeSetting(change: Partial<Setting>): void {
  const { sentence, query, keys, heads } = example.value;
  const next = { sentence, query, keys, heads, ...change };
  if (settingFault(next) === null) show(withSetting(example.value, next), "push");
}

export function toggleKey(index: number): void {
  const { keys } = example.value;
  const next = keys.includes(index) ? keys.filter((key) => key !== index) : [...keys, index].sort((a, b) => a - b);
  changeSetting({ keys: next });
}

export function canToggle(index: number): boolean {
  const { keys } = example.value;
  return keys.includes(index) ? keys.length > 1 : keys.length < kMostKeys;
}

export function chooseQueryWord(index: number): void {
  changeSetting({ query: index });
}

export function changeHeads(by: 1 | -1): void {
  changeSetting({ heads: example.value.heads + by });
}

export function canChangeHeads(by: 1 | -1): boolean {
  const heads = example.value.heads + by;
  return heads >= 1 && heads <= kMostHeads;
}

export function startInventing(): void {
  answers.value = Array.from({ length: kAnswers }, () => "");
  revealed.value = false;
  navigate({ view: "example", task: "invent", hand: encodeSetting(kInvention), edits: "" }, "push");
}

export const inventing = computed(() => task.value === "invent" && sameSetting(example.value, kInvention));

export function answer(index: number, text: string): void {
  touchWork();
  answers.value = answers.value.map((old, i) => (i === index ? text : old));
}

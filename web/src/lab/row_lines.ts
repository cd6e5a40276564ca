// The lines and the light of a row's picture, set in place. A page of twelve heads redraws some three hundred lines
// and a hundred cones whenever the query token changes: elements stay, and only what differs is written.
import { kFaint } from "../maths/rows.ts";
import { cone, opacityOf } from "../ui/cone.ts";

export const kRowHeight = 20;
export const kBeamWidth = 76;
const kBarInset = 2;

export interface RowLine {
  /** The token of the line; null: a gap, which stands for several. */
  readonly token: number | null;
  readonly word: string;
  readonly weight: number;
  /** The weight in short; seen where `printed`, else while the line is active. */
  readonly number: string;
  readonly printed: boolean;
  readonly classes: string;
  /** What a screen reader is told while the line is active. */
  readonly label: string;
  /** What the pointer is told. */
  readonly title: string;
}

/** What stands in each line now. */
const written = new WeakMap<Element, RowLine>();

function setAttribute(element: Element, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

function writeNumber(item: Element, text: string): void {
  const known = item.children[0];
  if (text === "") known?.remove();
  else if (known) known.firstChild!.nodeValue = text;
  else {
    const span = document.createElement("span");
    span.className = "row-number";
    span.append(text);
    item.append(span);
  }
}

function writeLine(item: Element, line: RowLine): void {
  const before = written.get(item);
  written.set(item, line);
  if (before?.word !== line.word) item.firstChild!.nodeValue = line.word;
  if (before?.classes !== line.classes) item.className = line.classes;
  if (before?.weight !== line.weight) item.setAttribute("data-value", String(line.weight));
  if (before?.token !== line.token) {
    setAttribute(item, "data-key", line.token === null ? null : String(line.token));
    setAttribute(item, "role", line.token === null ? "presentation" : "option");
  }
  writeNumber(item, line.printed ? line.number : "");
}

function newLine(id: string): HTMLLIElement {
  const item = document.createElement("li");
  item.id = id;
  item.append("");
  return item;
}

/** Makes the list say these lines; their ids are `id` and the number of the line. */
export function writeLines(list: Element, lines: readonly RowLine[], id: string): void {
  while (list.children.length > lines.length) list.lastElementChild!.remove();
  lines.forEach((line, i) => {
    const item = list.children[i] ?? list.appendChild(newLine(`${id}-${i}`));
    writeLine(item, line);
  });
}

/** Marks the token's line; null: none. */
export function markLine(list: Element, token: number | null): void {
  const marked = list.querySelector("[data-active]");
  if (marked) {
    marked.removeAttribute("data-active");
    marked.removeAttribute("aria-label");
    const line = written.get(marked)!;
    if (!line.printed) writeNumber(marked, "");
  }
  const item = token === null ? null : list.querySelector(`[data-key="${token}"]`);
  if (!item) return list.removeAttribute("aria-activedescendant");
  item.setAttribute("data-active", "");
  item.setAttribute("aria-label", written.get(item)!.label);
  writeNumber(item, written.get(item)!.number);
  list.setAttribute("aria-activedescendant", item.id);
}

/** The line that an event happened in. */
export function lineOf(target: EventTarget | null): { readonly item: HTMLElement; readonly line: RowLine } | null {
  const item = target instanceof Element ? target.closest<HTMLElement>("li") : null;
  const line = item && written.get(item);
  return line ? { item, line } : null;
}

const kSvg = "http://www.w3.org/2000/svg";

/** One cone of light for each line that is not too faint, from the lamp in line `lampLine`. */
export function writeBeams(cones: Element, weights: readonly number[], lampLine: number, fill: string): void {
  const place = { width: kBeamWidth, rowHeight: kRowHeight, lampY: (lampLine + 0.5) * kRowHeight };
  let used = 0;
  weights.forEach((weight, line) => {
    if (weight < kFaint) return;
    const path = cones.children[used] ?? cones.appendChild(document.createElementNS(kSvg, "path"));
    if (!path.hasAttribute("fill")) path.setAttribute("fill", fill);
    path.setAttribute("d", cone(weight, (line + 0.5) * kRowHeight, place));
    path.setAttribute("fill-opacity", opacityOf(weight));
    used++;
  });
  while (cones.children.length > used) cones.lastElementChild!.remove();
}

/** Where the light falls: behind each word, as long as the weight. In a box of width 1. */
export function barsOf(weights: readonly number[]): string {
  const height = kRowHeight - 2 * kBarInset;
  return weights
    .map((weight, line) => (weight > 0 ? `M0 ${line * kRowHeight + kBarInset}h${Math.min(1, weight).toFixed(4)}v${height}H0z` : ""))
    .join("");
}

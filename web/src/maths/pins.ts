// Heads whose cards stay on show: "1.1,2.3" in the address, a layer.head each.
import { headKey } from "./gates.ts";

export interface HeadPlace {
  readonly layer: number;
  readonly head: number;
}

export const keyOf = ({ layer, head }: HeadPlace): string => headKey(layer, head);

const kPart = /^(\d{1,4})\.(\d{1,4})$/;

const inOrder = (a: HeadPlace, b: HeadPlace): number => a.layer - b.layer || a.head - b.head;

/** By layer and head, each once; what is not a head of the model is passed over. */
export function parsePins(text: string, layers: number, heads: number): HeadPlace[] {
  const pins = new Map<string, HeadPlace>();
  for (const part of text.split(",")) {
    const match = kPart.exec(part);
    const place = { layer: Number(match?.[1]), head: Number(match?.[2]) };
    if (match && place.layer < layers && place.head < heads) pins.set(keyOf(place), place);
  }
  return [...pins.values()].sort(inOrder);
}

export function formatPins(pins: readonly HeadPlace[]): string {
  return pins.map(keyOf).join(",");
}

export function isPinned(pins: readonly HeadPlace[], layer: number, head: number): boolean {
  return pins.some((pin) => pin.layer === layer && pin.head === head);
}

/** The pins with one more, or without it where it was one of them. */
export function togglePin(pins: readonly HeadPlace[], { layer, head }: HeadPlace): HeadPlace[] {
  if (isPinned(pins, layer, head)) return pins.filter((pin) => pin.layer !== layer || pin.head !== head);
  return [...pins, { layer, head }].sort(inOrder);
}

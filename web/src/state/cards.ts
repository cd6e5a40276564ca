// Which heads have a card: the pinned ones, from any layer, and of the open layer as many as make four, or all.
import { computed } from "@preact/signals";
import type { Abilities } from "../api/types.ts";
import { groundsOf, kLooks, relationsOf } from "../maths/evidence.ts";
import { mostDifferent } from "../maths/pick.ts";
import { formatPins, isPinned, togglePin, type HeadPlace } from "../maths/pins.ts";
import { navigate, part } from "./address.ts";
import { abilities } from "./evidence.ts";
import { chosenHead, drawn, layer, pins, sinks } from "./session.ts";
import { scenario } from "./scenarios.ts";

/** As many as can be compared at a glance. */
export const kCards = 4;
/** Of those, heads that are shown for what was measured of them; the rest for how differently they read. */
const kEvident = 2;

const addressCards = part("cards");
export const everyCard = computed(() => addressCards.value === "all");

export function showEveryCard(every: boolean): void {
  navigate({ cards: every ? "all" : null }, "push");
}

export function pinHead(place: HeadPlace): void {
  navigate({ pins: formatPins(togglePin(pins.value, place)) }, "push");
}

/** Heads of the layer that are known to follow the scenario's relation, or any, best first. */
function evidentHeads(known: Abilities, ofLayer: number, relation: string | null, language: string | null): number[] {
  const merit = (head: number): number => {
    const own = relationsOf(known, ofLayer, head);
    const asked = own.filter((one) => relation === null || (one.relation === relation && one.language === language));
    const followed = asked.filter((one) => one.role || (one.looks >= kLooks && one.looks > one.offset));
    return Math.max(0, ...followed.map((one) => (one.role ? 1 : 0) + one.looks)) * (groundsOf(own) === "pattern" ? 0 : 1);
  };
  return Array.from({ length: known.n_heads }, (_, head) => ({ head, merit: merit(head) }))
    .filter((one) => one.merit > 0)
    .sort((a, b) => b.merit - a.merit || a.head - b.head)
    .slice(0, kEvident)
    .map((one) => one.head);
}

/** Four heads of the open layer, the same for every query token of the text: evidence first, then difference. */
const suggested = computed<readonly number[]>(() => {
  const first = drawn.value?.first ?? drawn.value?.rows;
  if (!first) return [];
  const asked = scenario.value;
  const evident = abilities.value ? evidentHeads(abilities.value, first.layer, asked?.relation ?? null, asked?.language ?? null) : [];
  const counts = (token: number) => !sinks.value.has(token);
  return mostDifferent(first.heads.map((head) => head.row), first.average_of_heads, evident, kCards, counts);
});

/** Of the open layer: the chosen head and the suggested ones, as many as the pinned heads leave room for. */
function fillers(ofLayer: number): number[] {
  const own = chosenHead.value !== null && ofLayer === layer.value ? [chosenHead.value] : [];
  const room = Math.max(kCards - pins.value.length, 0);
  const free = [...new Set([...own, ...suggested.value])].filter((head) => !isPinned(pins.value, ofLayer, head));
  return free.slice(0, Math.max(room, own.length));
}

/** Those of the open layer first, in their order; null while nothing is known. */
export const cards = computed<readonly HeadPlace[] | null>(() => {
  const current = drawn.value?.rows;
  if (!current) return null;
  const heads = new Set(everyCard.value ? current.heads.map((one) => one.head) : fillers(current.layer));
  for (const pin of pins.value) if (pin.layer === current.layer) heads.add(pin.head);
  const own = [...heads].filter((head) => head < current.heads.length).sort((a, b) => a - b);
  const others = pins.value.filter((pin) => pin.layer !== current.layer);
  return [...own.map((head) => ({ layer: current.layer, head })), ...others];
});

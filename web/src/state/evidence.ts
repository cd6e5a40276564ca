// What is on record about the chosen model's heads, fetched once for each model that has a record.
import { computed, effect, signal, untracked } from "@preact/signals";
import { fetchAbilities, fetchEmergence } from "../api/client.ts";
import { snapshot } from "../api/snapshot.ts";
import type { Abilities, Emergence, Model } from "../api/types.ts";
import { asProblem, model, traceProblem, view } from "./session.ts";

/** Keeps what was fetched by model; what is under way is not asked for again. */
function record<T>(name: string, fetching: (model: string) => Promise<T>) {
  const known = signal<ReadonlyMap<string, T>>(new Map());
  const wanted = new Set<string>();
  const want = async (of: Model) => {
    if (!of.records?.includes(name) || wanted.has(of.name)) return;
    wanted.add(of.name);
    try {
      const answer = await fetching(of.name);
      known.value = new Map([...known.value, [of.name, answer]]);
    } catch (error) {
      wanted.delete(of.name);
      traceProblem.value = asProblem(error);
    }
  };
  return { of: computed(() => known.value.get(model.value?.name ?? "") ?? null), want };
}

const kAbilities = record<Abilities>("abilities", (of) => fetchAbilities(snapshot ? null : of));
const kEmergence = record<Emergence>("emergence", fetchEmergence);

export const abilities = kAbilities.of;
export const emergence = kEmergence.of;

/** The training's record is megabytes: fetched when its section is opened. */
export function wantEmergence(): void {
  if (model.value) void kEmergence.want(model.value);
}

export function startEvidence(): void {
  effect(() => {
    const current = view.value === "model" ? model.value : null;
    if (current) untracked(() => void kAbilities.want(current));
  });
}

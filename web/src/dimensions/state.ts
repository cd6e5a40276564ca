// The layer of the sliders, and how long the engine takes for it.
import { computed, effect, signal, untracked } from "@preact/signals";
import { ApiError, fetchLayerTime } from "../api/client.ts";
import type { LayerTime } from "../api/types.ts";
import { decodeDimensions, encodeDimensions, kMostTimedFlops, layerOf, misfit, type Dimensions } from "../maths/dimensions.ts";
import { navigate, part } from "../state/address.ts";
import { beginWork } from "../state/idle.ts";
import { view } from "../state/session.ts";

/** A slider that is dragged is measured where it comes to rest. */
const kRest = 250;

const dims = part("dims");

export const dimensions = computed(() => decodeDimensions(dims.value));

export function change(next: Partial<Dimensions>): void {
  navigate({ view: "dimensions", dims: encodeDimensions({ ...dimensions.value, ...next }) }, "replace");
}

/** Whether the engine would take too long for it to be asked. */
export function tooLarge(asked: Dimensions): boolean {
  return layerOf(asked).flops.whole > kMostTimedFlops;
}

/** The answer for the dimensions on the page; null while it is measured. */
export const layerTime = signal<LayerTime | ApiError | null>(null);

async function measure(asked: Dimensions): Promise<void> {
  let answer: LayerTime | ApiError;
  try {
    answer = await fetchLayerTime(asked);
  } catch (error) {
    answer = error instanceof ApiError ? error : new ApiError(0, String(error));
  }
  if (dimensions.value === asked) layerTime.value = answer;
}

export function startDimensions(): void {
  effect(() => {
    const asked = dimensions.value;
    if (view.value !== "dimensions") return;
    untracked(() => (layerTime.value = null));
    if (misfit(asked) || tooLarge(asked)) return;
    const done = beginWork();
    const timer = setTimeout(() => {
      void measure(asked);
      done();
    }, kRest);
    return () => {
      clearTimeout(timer);
      done();
    };
  });
}

// The worked example lives in the address: what is edited is shared and undone with it.
import { computed } from "@preact/signals";
import { kOriginal } from "../maths/example.ts";
import { decodeEdits, edit, encodeEdits, type Cell } from "../maths/example_edits.ts";
import type { Rational } from "../maths/rational.ts";
import { navigate, part } from "../state/address.ts";

const edits = part("edits");

export const example = computed(() => (edits.value === "" ? kOriginal : decodeEdits(edits.value)));

export const isEdited = computed(() => encodeEdits(example.value) !== "");

export function setCell(cell: Cell, value: Rational): void {
  navigate({ view: "example", edits: encodeEdits(edit(example.value, cell, value)) }, "replace");
}

export function resetExample(): void {
  navigate({ edits: "" }, "push");
}

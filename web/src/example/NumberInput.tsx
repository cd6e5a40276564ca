// A number that may be edited: exact text in, exact value out. What is not a number stays in the box,
// marked, and changes nothing. The up and down keys step.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import type { Cell } from "../maths/example_edits.ts";
import { Rational } from "../maths/rational.ts";
import { setCell } from "./state.ts";

const kStep = Rational.of(1n, 20n);

interface NumberInputProps {
  readonly cell: Cell;
  readonly value: Rational;
  readonly label: string;
}

export function NumberInput({ cell, value, label }: NumberInputProps) {
  const draft = useSignal<string | null>(null);
  const wrong = draft.value !== null && Rational.parse(draft.value) === null;
  const type = (text: string) => {
    draft.value = text;
    const parsed = Rational.parse(text);
    if (parsed && !parsed.equals(value)) setCell(cell, parsed);
  };
  const step = (event: KeyboardEvent) => {
    const sign = { ArrowUp: 1n, ArrowDown: -1n }[event.key];
    if (sign === undefined) return;
    event.preventDefault();
    type(String(value.plus(kStep.times(Rational.of(sign, 1n)))));
  };
  return (
    <input
      class="number"
      type="text"
      inputMode="decimal"
      autocomplete="off"
      data-cell={`${cell.kind}${cell.row}.${cell.column}`}
      data-zero={value.isZero ? "" : undefined}
      aria-label={label}
      aria-invalid={wrong}
      title={wrong ? t("not_a_number") : label}
      value={draft.value ?? String(value)}
      onInput={(event) => type(event.currentTarget.value)}
      onKeyDown={step}
      onFocus={(event) => event.currentTarget.select()}
      onBlur={() => (draft.value = null)}
    />
  );
}

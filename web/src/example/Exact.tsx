// Exact numbers as they are printed, and rows of them.
import type { Rational } from "../maths/rational.ts";
import { theme } from "../state/preferences.ts";
import { headColour } from "../ui/colour.ts";

export function printed(value: Rational): string {
  return String(value).replace("-", "\u2212");
}

export function headStyle(head: number): Record<string, string> {
  return { "--head": headColour(head, theme.value) };
}

interface VectorProps {
  readonly values: readonly Rational[];
  /** The head that each component belongs to, for its colour; none where heads are mixed. */
  readonly headOf?: (index: number) => number;
  readonly name: string;
  readonly label: string;
}

/** A vector as a strip of cells; tests read `data-value`. */
export function Vector({ values, headOf, name, label }: VectorProps) {
  return (
    <ol class="vector" aria-label={label} data-vector={name}>
      {values.map((value, i) => (
        <li
          key={i}
          class={headOf ? "vector-cell of-head" : "vector-cell"}
          data-value={String(value)}
          data-zero={value.isZero ? "" : undefined}
          style={headOf ? headStyle(headOf(i)) : {}}
        >
          {printed(value)}
        </li>
      ))}
    </ol>
  );
}

// Edits of the worked example, and their compact form in the URL: only what differs from what its setting
// starts with, "w0.1:0.3;v2.0:1/3;o7.7:-1" (w head.word, v word.component, o row.column).
import type { Example, Setting } from "./example.ts";
import { Rational } from "./rational.ts";
import { startOf } from "./setting.ts";

export type Cell = { readonly kind: "w" | "v" | "o"; readonly row: number; readonly column: number };

type Matrix = readonly (readonly Rational[])[];

const kFields = { w: "weights", v: "values", o: "outputProjection" } as const;

function withCell(matrix: Matrix, cell: Cell, value: Rational): Matrix {
  return matrix.map((row, r) => (r === cell.row ? row.map((old, c) => (c === cell.column ? value : old)) : row));
}

export function edit(example: Example, cell: Cell, value: Rational): Example {
  const field = kFields[cell.kind];
  return { ...example, [field]: withCell(example[field], cell, value) };
}

export function encodeEdits(example: Example): string {
  const parts: string[] = [];
  const start = startOf(example);
  for (const kind of ["w", "v", "o"] as const) {
    const field = kFields[kind];
    example[field].forEach((row, r) =>
      row.forEach((value, c) => {
        if (!value.equals(start[field][r]![c]!)) parts.push(`${kind}${r}.${c}:${value}`);
      }),
    );
  }
  return parts.join(";");
}

const kMostEdits = 400;

/** The start of a setting with the URL's edits applied; what is not a valid edit is ignored. */
export function decodeEdits(setting: Setting, text: string): Example {
  let example = startOf(setting);
  for (const part of text.split(";").slice(0, kMostEdits)) {
    const match = /^([wvo])(\d{1,2})\.(\d{1,2}):(.+)$/.exec(part);
    if (!match) continue;
    const cell: Cell = { kind: match[1] as Cell["kind"], row: Number(match[2]), column: Number(match[3]) };
    const value = Rational.parse(match[4]!);
    if (value && example[kFields[cell.kind]][cell.row]?.[cell.column]) example = edit(example, cell, value);
  }
  return example;
}

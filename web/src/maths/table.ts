// What a layer's heads read, as a table for other programs.
import type { Rows } from "../api/types.ts";
import type { Column } from "./align.ts";
import { weightsAt, type HeadPair } from "./difference.ts";

/** One field of CSV (RFC 4180). */
function field(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

const asCsv = (lines: readonly (string | number)[][]) => lines.map((line) => `${line.map(field).join(",")}\r\n`).join("");

/** A line for each head and for their average, a column for each token. */
export function rowsAsCsv(rows: Rows, words: readonly string[]): string {
  const lines: (string | number)[][] = [["head", ...words.map((word, index) => `${index} ${word}`)]];
  for (const { head, row } of rows.heads) lines.push([head, ...row]);
  lines.push(["average", ...rows.average_of_heads]);
  return asCsv(lines);
}

/** Two sides: a line for each pair of heads and token, long form; an empty field where a side has no such head or token. */
export function pairsAsCsv(
  pairs: readonly HeadPair[],
  columns: readonly Column[],
  words: { readonly a: readonly string[]; readonly b: readonly string[] },
): string {
  const lines: (string | number)[][] = [["head_a", "head_b", "total_variation", "jsd", "token_a", "token_b", "word_a", "word_b", "weight_a", "weight_b"]];
  for (const { a, b, distance } of pairs) {
    const heads = [a?.head ?? "", b?.head ?? "", distance?.tv ?? "", distance?.jsd ?? ""];
    for (const column of columns) {
      const [p, q] = weightsAt(a?.row ?? [], b?.row ?? [], column);
      const [onA, onB] = [column.a !== null && a !== null, column.b !== null && b !== null];
      const texts = [column.a === null ? "" : words.a[column.a]!, column.b === null ? "" : words.b[column.b]!];
      lines.push([...heads, column.a ?? "", column.b ?? "", ...texts, onA ? p : "", onB ? q : ""]);
    }
  }
  return asCsv(lines);
}

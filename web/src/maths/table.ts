// What a layer's heads read, as a table for other programs.
import type { Rows } from "../api/types.ts";

/** One field of CSV (RFC 4180). */
function field(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** A line for each head and for their average, a column for each token. */
export function rowsAsCsv(rows: Rows, words: readonly string[]): string {
  const lines: (string | number)[][] = [["head", ...words.map((word, index) => `${index} ${word}`)]];
  for (const { head, row } of rows.heads) lines.push([head, ...row]);
  lines.push(["average", ...rows.average_of_heads]);
  return lines.map((line) => `${line.map(field).join(",")}\r\n`).join("");
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { foldRow } from "./fold.ts";

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

test("a short row is shown whole", () => {
  assert.deepEqual(foldRow(range(24).map(() => 1 / 24), range(24), 3), range(24).map((index) => ({ kind: "token", index })));
});

test("a long row keeps its strongest tokens and its query, and loses no weight", () => {
  const row = range(100).map((i) => (i === 50 ? 0.5 : i === 80 ? 0.3 : 0.2 / 98));
  const lines = foldRow(row, range(100), 97);
  const tokens = lines.flatMap((line) => (line.kind === "token" ? [line.index] : []));
  assert.ok(tokens.includes(50) && tokens.includes(80) && tokens.includes(97));
  assert.deepEqual(tokens, [...tokens].sort((a, b) => a - b));
  assert.ok(lines.length <= 23);
  const covered = lines.reduce((sum, line) => sum + (line.kind === "gap" ? line.count : 1), 0);
  assert.equal(covered, 100);
  const mass = lines.reduce((sum, line) => sum + (line.kind === "gap" ? line.mass : row[line.index]!), 0);
  assert.ok(Math.abs(mass - 1) < 1e-12);
});

test("a gap of one token is that token", () => {
  const row = range(25).map((i) => (i % 2 === 0 ? 1 : 0));
  const lines = foldRow(row, range(25), 0);
  assert.ok(lines.every((line) => line.kind === "token" || line.count > 1));
});

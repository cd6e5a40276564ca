import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rows } from "../api/types.ts";
import { pairByNumber } from "./difference.ts";
import { pairsAsCsv, rowsAsCsv } from "./table.ts";

test("a table of rows is CSV, quoted where it must be", () => {
  const rows = { heads: [{ head: 0, row: [0.25, 0.75] }, { head: 1, row: [1, 0] }], average_of_heads: [0.625, 0.375] } as Rows;
  assert.equal(rowsAsCsv(rows, ['a "b"', "c,d"]), 'head,"0 a ""b""","1 c,d"\r\n0,0.25,0.75\r\n1,1,0\r\naverage,0.625,0.375\r\n');
});

test("two sides are CSV in long form, empty where a side has nothing", () => {
  const head = (number: number, row: number[]) => ({ head: number, kv_head: number, row, entropy: 0 });
  const columns = [{ a: 0, b: 0 }, { a: 1, b: null }];
  const pairs = pairByNumber([head(0, [0.5, 0.5]), head(1, [1, 0])], [head(0, [1])], columns);
  assert.deepEqual(pairsAsCsv(pairs, columns, { a: ["it", "tired"], b: ["it"] }).trim().split("\r\n").slice(1), [
    `0,0,0.5,${pairs[0]!.distance!.jsd},0,0,it,it,0.5,1`,
    `0,0,0.5,${pairs[0]!.distance!.jsd},1,,tired,,0.5,`,
    "1,,,,0,0,it,it,1,",
    "1,,,,1,,tired,,0,",
  ]);
});

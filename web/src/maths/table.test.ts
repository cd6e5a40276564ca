import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rows } from "../api/types.ts";
import { rowsAsCsv } from "./table.ts";

test("a table of rows is CSV, quoted where it must be", () => {
  const rows = { heads: [{ head: 0, row: [0.25, 0.75] }, { head: 1, row: [1, 0] }], average_of_heads: [0.625, 0.375] } as Rows;
  assert.equal(rowsAsCsv(rows, ['a "b"', "c,d"]), 'head,"0 a ""b""","1 c,d"\r\n0,0.25,0.75\r\n1,1,0\r\naverage,0.625,0.375\r\n');
});

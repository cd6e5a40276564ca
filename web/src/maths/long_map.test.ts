import assert from "node:assert/strict";
import { test } from "node:test";
import { around, brightEnd, brightness, cellRange, decodeArea, encodeArea, pan, shortWeight, strongestCells, whole, within, zoom } from "./long_map.ts";

const kLength = 100_000;

test("zooming keeps what is under the pointer", () => {
  const start = { row: 20_000, key: 40_000, span: 8_000 };
  const closer = zoom(start, kLength, 2, 0.25, 0.75);
  assert.deepEqual(closer, { row: 23_000, key: 41_000, span: 4_000 });
  assert.deepEqual(zoom(closer, kLength, 0.5, 0.25, 0.75), start);
});

test("an area never leaves the text", () => {
  for (const factor of [0.001, 0.5, 2, 1e6]) {
    const area = zoom({ row: 0, key: kLength - 100, span: 100 }, kLength, factor, 1, 0);
    assert.ok(area.row >= 0 && area.key + area.span <= kLength && area.row + area.span <= kLength, JSON.stringify(area));
    assert.ok(area.span >= 16);
  }
  assert.deepEqual(pan(whole(kLength), kLength, 0.5, -0.5), whole(kLength));
  assert.deepEqual(pan({ row: 10, key: 10, span: 16 }, kLength, 0.01, -1), { row: 0, key: 11, span: 16 });
  assert.deepEqual(within({ row: -3, key: 99, span: 4 }, 9), { row: 0, key: 0, span: 9 });
  assert.deepEqual(around(99_999, 5, 100, kLength), { row: 99_900, key: 0, span: 100 });
});

test("an area survives its address; nonsense shows the whole", () => {
  const area = { row: 7, key: 12_345, span: 256 };
  assert.deepEqual(decodeArea(encodeArea(area, kLength), kLength), area);
  assert.equal(encodeArea(whole(kLength), kLength), "");
  for (const text of ["", "1.2", "a.b.c", "-1.2.3", "1.2.3.4"]) assert.deepEqual(decodeArea(text, kLength), whole(kLength));
  assert.deepEqual(decodeArea("90.90.50", 100), { row: 50, key: 50, span: 50 });
});

test("cells cover the span without a gap", () => {
  let end = 11;
  for (let cell = 0; cell < 7; cell++) {
    const [from, to] = cellRange(11, 100, cell, 7);
    assert.equal(from, end);
    assert.ok(to > from);
    end = to;
  }
  assert.equal(end, 111);
});

test("brightness goes by powers of ten", () => {
  assert.equal(brightEnd(0.03), 0.1);
  assert.equal(brightEnd(1), 1);
  assert.equal(brightness(0, 0.1), 0);
  assert.equal(brightness(0.1, 0.1), 1);
  assert.ok(Math.abs(brightness(0.001, 0.1) - 0.5) < 1e-12);
  assert.equal(brightness(1e-9, 0.1), 0);
});

test("the strongest cells come first", () => {
  const best = strongestCells(Float32Array.of(0, 0.5, 0.25, 0, 0.75, 0.1), 3, 3);
  assert.deepEqual(best, [
    { row: 1, column: 1, value: 0.75 },
    { row: 0, column: 1, value: 0.5 },
    { row: 0, column: 2, value: 0.25 },
  ]);
  assert.equal(strongestCells(Float32Array.of(0, 0), 2, 3).length, 0);
  assert.equal(shortWeight(0.25), "0.250");
  assert.equal(shortWeight(0.0000123), "1.2e-5");
});

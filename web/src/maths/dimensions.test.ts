import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeDimensions, encodeDimensions, kFirstDimensions, layerOf, misfit, nearestDivisors, nearestMultiples } from "./dimensions.ts";
import { cppCode } from "./layer_code.ts";

test("the numbers of a small grouped-query layer, counted by hand", () => {
  const layer = layerOf({ d_model: 12, n_heads: 3, n_kv_heads: 1, length: 2 });
  assert.equal(layer.headDim, 4);
  assert.equal(layer.parameters, 12 * 12 + 12 * 4 + 12 * 4 + 12 * 12 + (12 + 4 + 4 + 12));
  const projections = 2 * 12 * (12 + 4 + 4 + 12);
  assert.equal(layer.flops.whole, 2 * projections + (1 + 2) * 3 * (2 * 4 + 2 * 4));
  assert.equal(layer.flops.next, projections + 2 * 3 * (2 * 4 + 2 * 4));
  assert.equal(layer.cacheNumbers, 2 * 2 * 4);
});

test("what does not divide is named, with the nearest that do", () => {
  assert.equal(misfit({ ...kFirstDimensions, n_heads: 7 }), "n_heads");
  assert.equal(misfit({ ...kFirstDimensions, n_kv_heads: 3 }), "n_kv_heads");
  assert.equal(misfit(kFirstDimensions), null);
  assert.deepEqual(nearestDivisors(512, 7, 64), [4, 8]);
  assert.deepEqual(nearestDivisors(12, 24, 64), [12]);
  assert.deepEqual(nearestDivisors(7, 2, 64), [1, 7]);
  assert.deepEqual(nearestMultiples(7, 512, 2048), [511, 518]);
  assert.deepEqual(nearestMultiples(64, 50, 2048), [64]);
});

test("dimensions survive the address; nonsense in it is the first layer", () => {
  const own = { d_model: 768, n_heads: 12, n_kv_heads: 4, length: 1000 };
  assert.deepEqual(decodeDimensions(encodeDimensions(own)), own);
  assert.equal(encodeDimensions(kFirstDimensions), "");
  for (const text of ["", "0.1.1.1", "512.8.8", "512.8.8.9999", "4096.8.8.1", "a.b.c.d"]) assert.deepEqual(decodeDimensions(text), kFirstDimensions, text);
});

test("the C++ on the page is an example that is compiled", () => {
  const source = process.env["HEADLIGHT_SOURCE"] ?? join(process.cwd(), "..");
  const example = readFileSync(join(source, "examples/dimensions.cc"), "utf8");
  assert.equal(example.replace(/^\/\/.*\n/, ""), cppCode({ d_model: 512, n_heads: 8, n_kv_heads: 2, length: 128 }));
});

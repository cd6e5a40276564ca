import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOf, canonical, keyOf } from "./snapshot.ts";

test("questions are told apart by path and body, whatever the order of the fields", () => {
  assert.equal(keyOf("models", {}), "GET models");
  const body = JSON.stringify({ trace: "t1", heads: { "2.1": 0 }, how: "zero", query: 8, layer: 2 });
  assert.equal(keyOf("ablations", { method: "POST", body }), 'POST ablations {"heads":{"2.1":0},"how":"zero","layer":2,"query":8,"trace":"t1"}');
  assert.equal(canonical({ b: [1, { d: null, c: "“1”" }], a: true }), '{"a":true,"b":[1,{"c":"“1”","d":null}]}');
});

test("answers come back as the engine gave them", async () => {
  assert.deepEqual(await answerOf({ json: { a: [1] } }).json(), { a: [1] });
  const tensor = answerOf({ shape: "1,2", bytes: Buffer.from(new Float32Array([1.5, -2]).buffer).toString("base64") });
  assert.equal(tensor.headers.get("X-Shape"), "1,2");
  assert.deepEqual([...new Float32Array(await tensor.arrayBuffer())], [1.5, -2]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventReader } from "./events.ts";

const kStream = 'id: 1\nevent: start\ndata: {"a":1}\n\n: nothing new\n\nid: 2\nevent: step\ndata: {"b":"x: y"}\n\n';

test("events are the same however the stream is cut", () => {
  const whole = new EventReader().push(kStream);
  assert.deepEqual(whole, [
    { id: 1, kind: "start", data: '{"a":1}' },
    { id: 2, kind: "step", data: '{"b":"x: y"}' },
  ]);
  for (let size = 1; size < kStream.length; size++) {
    const reader = new EventReader();
    const got = [];
    for (let at = 0; at < kStream.length; at += size) got.push(...reader.push(kStream.slice(at, at + size)));
    assert.deepEqual(got, whole, `in pieces of ${size}`);
  }
});

test("an event that is not whole is not given", () => {
  assert.deepEqual(new EventReader().push('id: 1\nevent: step\ndata: {"a"'), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "./en.ts";
import { zh } from "./zh.ts";

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

test("both languages have the same keys, none empty", () => {
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  for (const [key, text] of [...Object.entries(en), ...Object.entries(zh)]) assert.notEqual(text.trim(), "", key);
});

test("both languages fill in the same names", () => {
  for (const key of Object.keys(en) as (keyof typeof en)[]) assert.deepEqual(names(zh[key]), names(en[key]), key);
});

test("Chinese is Chinese: no text is left in English", () => {
  const same = Object.keys(en).filter((key) => en[key as keyof typeof en] === zh[key as keyof typeof zh]);
  assert.deepEqual(same.sort(), ["kv_badge", "share_csv", "share_json"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatUrl, kEmptyState, parseUrl, type UrlState } from "./url.ts";

const full: UrlState = {
  view: "model",
  model: "all-MiniLM-L6-v2",
  text: "它太累了 & 1 + 1 = 2? #tired\nnew line",
  scenario: "tired",
  layer: 3,
  query: 0,
  head: 11,
  pins: "0.4,3.11",
  cards: "all",
  hideSpecial: true,
  light: "readers",
  glance: "cost zh.negation;;sink",
  gates: "3.11:0;4.2:0.5",
  how: "resample",
  other: "A dog ran & hid",
  model2: "stories15M",
  text2: "它太宽了",
  layer2: 0,
  query2: 7,
  order: "number",
  embed: true,
  edits: "w0.1:0.3;o7.7:-1/3",
  hand: "2.6.1-4-8.The horse & the road = it",
  task: "invent",
  dims: "512.8.2.128",
  walk: 4,
  long: "t5f0c2a91-1",
  map: "10.20.400",
  language: "zh",
  theme: "dark",
};

test("a state survives its address", () => {
  assert.deepEqual(parseUrl(formatUrl(full)), full);
});

test("a fresh page has no query string", () => {
  assert.equal(formatUrl(kEmptyState), "");
  assert.deepEqual(parseUrl(""), kEmptyState);
});

test("nonsense in the address is ignored", () => {
  assert.deepEqual(parseUrl("?view=nope&layer=-1&query=1e9&head=99999999&cards=some&lang=xx&theme=pink"), kEmptyState);
});

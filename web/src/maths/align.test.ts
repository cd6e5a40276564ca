import assert from "node:assert/strict";
import { test } from "node:test";
import { align, partnerOf } from "./align.ts";

const words = (text: string) => text.split(" ");
const shown = (a: string, b: string) =>
  align(words(a), words(b)).columns.map(({ a: i, b: j }) => `${i === null ? "-" : words(a)[i]}|${j === null ? "-" : words(b)[j]}`);

test("equal sequences are paired throughout", () => {
  const { columns, cut } = align(["x", "y"], ["x", "y"]);
  assert.deepEqual(columns, [{ a: 0, b: 0 }, { a: 1, b: 1 }]);
  assert.equal(cut, false);
});

test("what one side alone has stands alone, in its place", () => {
  assert.deepEqual(shown("it was tired .", "it was wide ."), ["it|it", "was|was", "tired|-", "-|wide", ".|."]);
  assert.deepEqual(shown("the cat sat", "the big black cat sat down"), ["the|the", "-|big", "-|black", "cat|cat", "sat|sat", "-|down"]);
  assert.deepEqual(align([], ["x"]).columns, [{ a: null, b: 0 }]);
});

/** By trying every subsequence of a: slow and plain. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  let best = 0;
  for (let subset = 0; subset < 1 << a.length; subset++) {
    const chosen = a.filter((_, i) => subset & (1 << i));
    let at = 0;
    for (const word of b) if (word === chosen[at]) at++;
    if (at === chosen.length) best = Math.max(best, at);
  }
  return best;
}

test("as many are paired as can be, each token is there once, in order", () => {
  let state = 7;
  const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
  for (let round = 0; round < 200; round++) {
    const draw = () => Array.from({ length: random(9) }, () => "abc"[random(3)]!);
    const [a, b] = [draw(), draw()];
    const { columns } = align(a, b);
    const [inA, inB] = [columns.flatMap((one) => one.a ?? []), columns.flatMap((one) => one.b ?? [])];
    assert.deepEqual(inA, a.map((_, i) => i));
    assert.deepEqual(inB, b.map((_, i) => i));
    const paired = columns.filter((one) => one.a !== null && one.b !== null);
    for (const one of paired) assert.equal(a[one.a!], b[one.b!]);
    assert.equal(paired.length, longestCommon(a, b), `${a} against ${b}`);
  }
});

test("a stretch that is too long to compare is left unpaired, and that is said", () => {
  const long = (letter: string) => ["first", ...Array.from({ length: 2500 }, (_, i) => `${letter}${i}`), "last"];
  const { columns, cut } = align(long("x"), long("y"));
  assert.equal(cut, true);
  assert.equal(columns.length, 5002);
  assert.deepEqual([partnerOf(columns, 0), partnerOf(columns, 7), partnerOf(columns, 2501)], [0, null, 2501]);
});

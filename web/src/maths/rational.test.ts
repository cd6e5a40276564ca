import assert from "node:assert/strict";
import { test } from "node:test";
import { Rational } from "./rational.ts";

const shown = (text: string) => String(Rational.parse(text));

test("decimals stay decimals", () => {
  assert.equal(shown("0.10"), "0.1");
  assert.equal(shown("-0.050"), "-0.05");
  assert.equal(shown(".5"), "0.5");
  assert.equal(shown("3."), "3");
  assert.equal(shown("+12"), "12");
  assert.equal(shown("\u22120.25"), "-0.25");
});

test("0.1 + 0.2 is 0.3", () => {
  assert.equal(String(Rational.parse("0.1")!.plus(Rational.parse("0.2")!)), "0.3");
});

test("a fraction that never ends is shown as a fraction", () => {
  assert.equal(shown("2/6"), "1/3");
  assert.equal(shown("3/8"), "0.375");
  assert.equal(String(Rational.parse("1")!.dividedBy(3).times(Rational.parse("3")!)), "1");
});

test("what is not a number is refused", () => {
  for (const bad of ["", ".", "-", "1e5", "0x1", "1/0", "1 2", "abc", "1".repeat(40)]) {
    assert.equal(Rational.parse(bad), null, bad);
  }
});

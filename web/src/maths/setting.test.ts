import assert from "node:assert/strict";
import { test } from "node:test";
import { blank, kOriginal, kMostWords, weightTotal, type Setting } from "./example.ts";
import { decodeEdits, edit, encodeEdits } from "./example_edits.ts";
import { Rational } from "./rational.ts";
import { cleanSentence, decodeSetting, encodeSetting, settingFault, settingFor, withSetting } from "./setting.ts";

const kOwn: Setting = { sentence: "Mary gave John a drink because he was thirsty", query: 6, keys: [0, 2, 8], heads: 3 };
const number = (text: string) => Rational.parse(text)!;

test("a sentence is words without the marks around them", () => {
  assert.equal(cleanSentence("  “Mary”, gave\tJohn   a drink!\n"), "Mary gave John a drink");
  assert.equal(cleanSentence("it's up-to-date — really?"), "it's up-to-date really");
  assert.equal(cleanSentence("a ".repeat(100)).split(" ").length, kMostWords);
  assert.ok(cleanSentence("机器人拿起红色的积木，因为它很轻。").split(" ").includes("它"));
  assert.equal(cleanSentence("?!"), "");
});

test("a pronoun looks and the longest words are read, else the last word looks", () => {
  assert.deepEqual(settingFor(kOwn.sentence, 2), { sentence: kOwn.sentence, query: 6, keys: [0, 1, 4, 5, 8], heads: 2 });
  assert.equal(settingFor("cats sleep", 1).query, 1);
  assert.equal(settingFault(settingFor("word", 1)), "sentence");
});

test("a setting survives the address; what is not one is the original's", () => {
  assert.deepEqual(decodeSetting(encodeSetting(kOwn)), kOwn);
  assert.equal(encodeSetting(kOriginal), "");
  for (const text of ["", "3.6.0-2-8", "3.6.2-0.a b c", "9.0.1.a b", "1.5.0.a b", "1.0.0-0.a b", "1.0.1.a  b", "1.0.9.a b"]) {
    assert.equal(decodeSetting(text), kOriginal, text);
  }
});

test("edits of one's own setting survive beside it", () => {
  const edited = edit(edit(blank(kOwn), { kind: "w", row: 2, column: 1 }, number("0.5")), { kind: "o", row: 11, column: 10 }, number("-1/7"));
  assert.equal(encodeEdits(edited), "w2.1:0.5;o11.10:-1/7");
  assert.deepEqual(decodeEdits(kOwn, encodeEdits(edited)), edited);
});

test("numbers stay with their words and heads when others come and go", () => {
  const before = edit(kOriginal, { kind: "o", row: 3, column: 7 }, number("2"));
  const { sentence, query } = kOriginal;
  const after = withSetting(before, { sentence, query, keys: [1, 4, 10], heads: 3 });
  assert.deepEqual(after.words, ["animal", "cross", "tired"]);
  assert.deepEqual(after.weights[0]!.map(String), ["0.7", "0", "0.1"]);
  assert.equal(String(weightTotal(after, 2)), "1");
  assert.deepEqual(after.values[2], kOriginal.values[4]);
  assert.equal(String(after.outputProjection[3]![7]), "2");
  assert.equal(after.outputProjection.length, 12);
});

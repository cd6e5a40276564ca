// One's own example: sentence, words, heads, the file, and the exercise.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { exactValues, search, settled, withPage } from "./support/browser.mjs";

const kPath = "/?view=example";

async function fill(page, selector, text) {
  await page.fill(selector, text);
  await settled(page);
}

const fileOf = (text) => ({ name: "mine.json", mimeType: "application/json", buffer: Buffer.from(text) });

async function settingTests(t, browser, lab) {
  await t.test("a sentence of one's own, its words and heads are chosen by keyboard; the address keeps them", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      await page.focus(".hand-setting summary");
      await page.keyboard.press("Enter");
      await page.fill("#hand-sentence", "Mary gave John a drink because he was thirsty.");
      await page.press("#hand-sentence", "Enter");
      await settled(page);
      assert.equal(await page.locator(".example-sentence .lit-word").innerText(), "he");
      await page.focus('[data-key-word="2"]');
      await page.keyboard.press("Space");
      await settled(page);
      await page.press("#more-heads", "Enter");
      await settled(page);
      assert.equal(await page.locator("[data-example-head]").count(), 3);
      assert.equal(search(page).get("hand"), "3.6.0-1-2-4-5-8.Mary gave John a drink because he was thirsty");
      await fill(page, '[data-cell="w2.1"]', "0.5");
      await fill(page, '[data-cell="v1.3"]', "1/3");
      await page.reload();
      await settled(page);
      assert.equal(await page.inputValue('[data-cell="w2.1"]'), "0.5");
      assert.equal((await exactValues(page, '[data-vector="result"] li')).length, 12);
      assert.deepEqual(await exactValues(page, '[data-vector="o3"] li'), ["1/3", "0.5", "1/3", "1/3"]);
      await page.click("#reset");
      await settled(page);
      assert.deepEqual(await exactValues(page, '[data-vector="o1"] li'), ["0.62", "0.19", "0.085", "0.21"]);
    }),
  );

  await t.test("a Chinese sentence is cut into words; one word is too few", () =>
    withPage(browser, lab, `${kPath}&lang=zh`, {}, async (page) => {
      await page.click(".hand-setting summary");
      await page.fill("#hand-sentence", "机器人拿起积木，因为它很轻");
      await page.press("#hand-sentence", "Enter");
      await settled(page);
      assert.equal(await page.locator(".example-sentence .lit-word").innerText(), "它");
      await page.fill("#hand-sentence", "轻");
      await page.press("#hand-sentence", "Enter");
      await settled(page);
      assert.match(await page.locator(".setting-fault").innerText(), /两个词/);
    }),
  );
}

async function fileTests(t, browser, lab) {
  await t.test("an example goes out as a file and comes back; a damaged one is refused in words", () =>
    withPage(browser, lab, `${kPath}&edits=w0.0:0.6`, {}, async (page) => {
      const coming = page.waitForEvent("download");
      await page.click("#hand-export");
      const text = readFileSync(await (await coming).path(), "utf8");
      assert.equal(JSON.parse(text).weights[0][0], "0.6");
      await page.setInputFiles("#hand-import", fileOf(text.replace('"0.6"', '"0.65"')));
      await settled(page);
      assert.equal(await page.inputValue('[data-cell="w0.0"]'), "0.65");
      for (const [damaged, words] of [
        [text.slice(0, -9), /not JSON/],
        ["{}", /not an example/],
        [text.replace('"0.6"', '"six"'), /weights\[0\]\[0\] is not a number/],
        [text.replace('"heads": 2', '"heads": 3'), /wrong size/],
        ["x".repeat(70_000), /64 KiB/],
      ]) {
        await page.setInputFiles("#hand-import", fileOf(damaged));
        await page.waitForFunction((source) => new RegExp(source).test(document.querySelector("[data-file-fault]")?.textContent), words.source);
        await settled(page);
        assert.equal(await page.inputValue('[data-cell="w0.0"]'), "0.65", "nothing was believed");
      }
    }),
  );
}

async function inventTests(t, browser, lab) {
  await t.test("the exercise checks every step, and shows its sums when they are found", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      await page.press("#invent", "Enter");
      await settled(page);
      assert.equal(await page.getAttribute(".invent", "data-invent"), "2/8");
      assert.equal(await page.locator('[data-vector="o1"]').count(), 0);
      const row = (head, weights) => weights.map((weight, column) => [`w${head}.${column}`, weight]);
      const cells = [...row(0, ["0.7", "0.1", "0.1", "0.05", "0.05"]), ...row(1, ["0.2", "0", "0.1", "0.1", "0.6"]), ["v4.1", "1"]];
      for (const [cell, value] of cells) await fill(page, `[data-cell="${cell}"]`, value);
      assert.equal(await page.getAttribute(".invent", "data-invent"), "5/8");
      const sums = ["0.75", "0.15", "0.1", "0.05", "0.8", "0.6", "0.1", "0.1"];
      await fill(page, '[data-answer="0"]', "0.7");
      assert.equal(await page.getAttribute('[data-answer="0"]', "data-verdict"), "false");
      for (const [index, sum] of sums.entries()) await fill(page, `[data-answer="${index}"]`, sum);
      assert.deepEqual(await exactValues(page, '[data-vector="concat"] li'), sums);
      await fill(page, '[data-answer="8"]', "5");
      assert.equal(await page.getAttribute(".invent", "data-invent"), "8/8");
      assert.match(await page.locator(".invent-end").innerText(), /both clues/);
      await page.click("#invent-end");
      await settled(page);
      assert.equal(await page.locator(".invent").count(), 0);
    }),
  );
}

export async function handTests(t, browser, lab) {
  await settingTests(t, browser, lab);
  await fileTests(t, browser, lab);
  await inventTests(t, browser, lab);
}

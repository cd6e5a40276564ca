// The worked example: exact sums, editing, flags, reset, address.
import assert from "node:assert/strict";
import { exactValues, search, settled, withPage } from "./support/browser.mjs";

const kFirst = ["0.62", "0.19", "0.085", "0.21"];
const kSecond = ["0.355", "0.41", "0.12", "0.275"];
const kPath = "/?view=example";

const vector = (page, name) => exactValues(page, `[data-vector="${name}"] li`);

async function setCell(page, cell, text) {
  await page.fill(`[data-cell="${cell}"]`, text);
  await settled(page);
}

export async function exampleTests(t, browser, lab) {
  await t.test("without a model the lab opens the one that the program comes with", () =>
    withPage(browser, lab, "/", {}, async (page) => {
      assert.equal(await page.inputValue("#model-picker"), "lumen");
    }),
  );

  await t.test("every sum of the worked example is exact", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      assert.deepEqual(await vector(page, "o1"), kFirst);
      assert.deepEqual(await vector(page, "o2"), kSecond);
      assert.deepEqual(await vector(page, "concat"), [...kFirst, ...kSecond]);
      assert.deepEqual(await vector(page, "result"), [...kFirst, ...kSecond]);
      assert.deepEqual(await exactValues(page, "[data-average] li"), ["0.45", "0.05", "0.075", "0.1", "0.325"]);
      assert.deepEqual(await exactValues(page, "[data-weight-sum]"), ["1", "1"]);
      const first = await page.locator('.sum:has([data-total="o1[1]"])').innerText();
      assert.match(first.replace(/\s+/g, " "), /0\.7 × 0\.8 \+ 0\.05 × 0\.1 \+ 0\.1 × 0\.2 \+ 0\.05 × 0\.1 \+ 0\.1 × 0\.3/);
      assert.match(first.replace(/\s+/g, " "), /= 0\.56 \+ 0\.005 \+ 0\.02 \+ 0\.005 \+ 0\.03 = 0\.62/);
    }),
  );

  await t.test("an edit runs through to the result, is flagged, survives a reload and is undone", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      await setCell(page, "w0.0", "0.60");
      assert.deepEqual(await vector(page, "o1"), ["0.54", "0.18", "0.085", "0.19"]);
      assert.deepEqual(await exactValues(page, '[data-weight-sum="0"]'), ["0.9"]);
      assert.match(await page.locator('[data-weight-sum="0"]').getAttribute("class"), /wrong/);
      await setCell(page, "o0.7", "1/3");
      assert.deepEqual((await vector(page, "result")).at(-1), "0.455");
      assert.deepEqual((await vector(page, "adds1")).at(-1), "0.18");
      assert.equal(search(page).get("edits"), "w0.0:0.6;o0.7:1/3");
      await page.reload();
      await settled(page);
      assert.deepEqual((await vector(page, "result")).at(-1), "0.455");
      await page.click("#reset");
      await settled(page);
      assert.deepEqual(await vector(page, "result"), [...kFirst, ...kSecond]);
      assert.equal(search(page).get("edits"), null);
    }),
  );

  await t.test("what is not a number is marked, changes nothing, and is put right on leaving", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      await setCell(page, "v0.0", "0.8x");
      assert.equal(await page.getAttribute('[data-cell="v0.0"]', "aria-invalid"), "true");
      assert.deepEqual(await vector(page, "o1"), kFirst);
      await page.press('[data-cell="v0.0"]', "Tab");
      await settled(page);
      assert.equal(await page.inputValue('[data-cell="v0.0"]'), "0.8");
    }),
  );

  await t.test("the up and down keys step a number exactly", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      await page.focus('[data-cell="w1.4"]');
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("ArrowUp");
      await settled(page);
      assert.equal(await page.inputValue('[data-cell="w1.4"]'), "0.65");
      assert.deepEqual(await exactValues(page, '[data-weight-sum="1"]'), ["1.1"]);
    }),
  );

  await t.test("the example speaks Chinese, and says so in the address", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      await page.click("#language-switch");
      await settled(page);
      assert.equal(await page.getAttribute("html", "lang"), "zh-Hans");
      assert.equal(search(page).get("lang"), "zh");
      assert.match(await page.locator("h1").innerText(), /亲手算/);
    }),
  );
}

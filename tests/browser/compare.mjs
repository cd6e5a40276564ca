// Two readings side by side: the page's numbers are those of two runs of the command line.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { search, settled, values, withPage } from "./support/browser.mjs";
import { printed, show } from "./support/lab.mjs";

const kTired = "The animal did not cross the road because it was tired";
const kWide = "The animal did not cross the road because it was wide";
const kStory = "Once upon a time there was a little";
/** Where the two sentences differ, among the pieces. */
const kOther = 11;

const bert = (more) => `/?view=compare&model=all-MiniLM-L6-v2&text=${encodeURIComponent(kTired)}&${more}`;
const stories = (more) => `/?view=compare&model=stories15M&text=${encodeURIComponent(kStory)}&${more}`;

const near = (a, b, what) => assert.ok(Math.abs(a - b) < 1e-6, `${what}: ${a} is not ${b}`);

/** Total variation of two rows whose tokens are the same but one, which has no partner. */
function totalVariation(a, b, alone) {
  const common = a.reduce((sum, weight, i) => sum + (i === alone ? 0 : Math.abs(weight - b[i])), 0);
  return (common + (alone === null ? 0 : a[alone] + b[alone])) / 2;
}

const lines = (page) =>
  page.locator("[data-pair]").evaluateAll((found) => found.map((one) => ({ heads: one.dataset.pair, tv: Number(one.dataset.tv), jsd: Number(one.dataset.jsd) })));

/** A line's fields, in the order of the columns: [a, b]. */
const fields = (page, heads) =>
  page.locator(`[data-pair="${heads}"] .pair-cell`).evaluateAll((found) => found.map((one) => [Number(one.dataset.a), Number(one.dataset.b)]));

async function assertTexts(page, layer, query) {
  const [a, b] = [show("all-MiniLM-L6-v2", kTired, layer, query), show("all-MiniLM-L6-v2", kWide, layer, query)].map((one) => one.layers[0].heads);
  const found = await lines(page);
  assert.equal(found.length, 12);
  for (const { heads, tv } of found) {
    const head = Number(heads.split(".")[0]);
    assert.equal(heads, `${head}.${head}`);
    near(tv, totalVariation(a[head].row, b[head].row, kOther), `head ${head}`);
    const expected = a[head].row.flatMap((weight, i) => (i === kOther ? [[weight, 0], [0, b[head].row[i]]] : [[weight, b[head].row[i]]]));
    assert.deepEqual(await fields(page, heads), expected, `head ${head}`);
  }
  const sizes = found.map((one) => one.tv);
  assert.deepEqual(sizes, [...sizes].sort((x, y) => y - x), "the most different come first");
  return found;
}

async function mouseTests(t, browser, lab) {
  await t.test("by mouse: from the model to two sentences, head by head", () =>
    withPage(browser, lab, "/?view=model&model=all-MiniLM-L6-v2&layer=2&query=9&text=The+animal+did+not+cross+the+road+because+it+was+tired", {}, async (page) => {
      await page.click('[data-page="compare"]');
      await settled(page);
      assert.deepEqual((await lines(page)).map((one) => one.tv), Array(12).fill(0), "the same on both sides");
      assert.equal(await page.locator(".suggestions button").count(), 3);
      await page.fill("#text-b", kWide);
      await page.click('[data-side="b"] .side-text button');
      await settled(page);
      assert.equal(search(page).get("text2"), kWide);
      await assertTexts(page, 2, 9);
      assert.equal(await page.getAttribute('[data-side="a"] .alone-note', "data-alone"), String(kOther));
      assert.equal(await page.getAttribute('[data-side="b"] .alone-note', "data-alone"), String(kOther));
      assert.deepEqual(await page.locator("thead [data-alone]").evaluateAll((all) => all.map((one) => one.dataset.alone)), ["a", "b"]);

      const grid = await page.locator("[data-tv-cell]").evaluateAll((all) => all.map((one) => Number(one.dataset.value)));
      assert.equal(grid.length, 6 * 12);
      await page.click('[data-tv-cell="4.7"]');
      await settled(page);
      assert.deepEqual([search(page).get("layer"), search(page).get("head")], ["4", "7"]);
      const found = await assertTexts(page, 4, 9);
      near(grid[4 * 12 + 7], found.find((one) => one.heads === "7.7").tv, "the grid's head 4.7");

      await page.click('[data-side="a"] [data-token="2"]');
      await settled(page);
      await assertTexts(page, 4, 2);
      await page.hover('[data-pair="3.3"] .pair-cell >> nth=0');
      await settled(page);
      const [[a, b]] = await fields(page, "3.3");
      near(Number(await page.getAttribute("[data-readout]", "data-readout")), b - a, "the field under the pointer");
    }),
  );
}

async function keyboardTests(t, browser, lab) {
  await t.test("by keyboard: sentence, token, order, field, head; and the address holds it all", () =>
    withPage(browser, lab, bert("layer=2&query=9"), {}, async (page) => {
      const press = async (...keys) => {
        for (const key of keys) {
          await page.keyboard.press(key);
          await settled(page);
        }
      };
      await page.focus("#text-b");
      await page.keyboard.press("Control+A");
      await page.keyboard.type(kWide);
      await press("Enter");
      await page.focus('[data-side="a"] [data-token="9"]');
      await press("ArrowLeft");
      assert.equal(await page.getAttribute('[data-side="b"] [data-token="8"]', "aria-checked"), "true", "the partner goes along");
      await assertTexts(page, 2, 8);
      await page.focus('[data-side="b"] [data-token="8"]');
      await press("ArrowLeft");
      assert.equal(search(page).get("query2"), "7");
      await page.focus(".pair-scroll");
      await press("ArrowDown", "ArrowDown", "ArrowRight");
      const second = (await lines(page))[1].heads;
      const [a, b] = (await fields(page, second))[1];
      near(Number(await page.getAttribute("[data-readout]", "data-readout")), b - a, "the field of the cursor");
      await page.focus(`[data-pair="${second}"] .card-name`);
      await press("Enter");
      assert.equal(search(page).get("head"), second.split(".")[0]);
      await page.selectOption("#order", "number");
      await settled(page);
      const before = await lines(page);
      assert.deepEqual(before.map((one) => one.heads), Array.from({ length: 12 }, (_, head) => `${head}.${head}`));
      await page.focus(".pair-numbers summary");
      await press("Enter");
      assert.equal(await page.locator("[data-numbers] tbody tr").count(), 14);
      const coming = page.waitForEvent("download");
      await page.press("#compare-csv", "Enter");
      const csv = readFileSync(await (await coming).path(), "utf8").trim().split("\r\n");
      assert.equal(csv.length, 1 + 12 * 14);
      await page.reload();
      await settled(page);
      assert.deepEqual(await lines(page), before);
      await page.click("#language-switch");
      await settled(page);
      assert.match(await page.locator("h1").innerText(), /对比/);
    }),
  );
}

async function headsOffTests(t, browser, lab) {
  await t.test("before and after: a head switched off changes later layers, and the prediction", () =>
    withPage(browser, lab, stories("layer=1&query=8"), {}, async (page) => {
      await page.selectOption("#off-layer", "1");
      await page.selectOption("#off-head", "3");
      await page.press("#off-add", "Enter");
      await settled(page);
      assert.equal(search(page).get("gates"), "1.3:0");
      assert.deepEqual((await lines(page)).map((one) => one.tv), Array(6).fill(0), "its own layer's rows stay");
      await page.press("#later-layer", "Enter");
      await settled(page);
      assert.equal(search(page).get("layer"), "2");
      assert.ok((await lines(page))[0].tv > 1e-4);
      assert.equal(await page.locator(".too-early").count(), 0);

      const { predictions } = printed("ablate", "stories15M", kStory, 2, 8, "--heads", "1.3");
      for (const { id, before, after } of predictions.best.slice(0, 3)) {
        const [a, b] = await values(page, `[data-both] [data-predicted="${id}"] td`);
        near(a, before, `before, ${id}`);
        near(b, after, `after, ${id}`);
      }
      await page.click('[data-off="1.3"]');
      await settled(page);
      assert.equal(await page.locator(".suggestions").count(), 1);
    }),
  );

  await t.test("from heads switched off in the model's view to the comparison", () =>
    withPage(browser, lab, `/?view=model&model=stories15M&text=${encodeURIComponent(kStory)}&layer=3&query=8&gates=2.0:0`, {}, async (page) => {
      await page.press("#before-after", "Enter");
      await settled(page);
      assert.equal(await page.locator('[data-off="2.0"]').count(), 1);
      assert.ok((await lines(page))[0].tv > 1e-4);
    }),
  );
}

async function modelsTests(t, browser, lab) {
  await t.test("two models: heads go by likeness, and each has at most one partner", () =>
    withPage(browser, lab, bert("layer=1&query=9"), {}, async (page) => {
      await page.selectOption("#model-b", "stories15M");
      await settled(page);
      const found = (await lines(page)).map((one) => one.heads.split("."));
      assert.equal(found.length, 12);
      const partners = found.map(([, b]) => b).filter((b) => b !== "-");
      assert.deepEqual([...partners].sort(), ["0", "1", "2", "3", "4", "5"]);
      assert.equal(await page.locator("[data-tv-cell]").count(), 0);
      assert.equal(await page.locator('[data-side="a"] [aria-checked="true"]').innerText(), "it");
      assert.equal(await page.locator('[data-side="b"] [aria-checked="true"]').innerText(), "it");
      await page.selectOption("#layer-b", "5");
      await settled(page);
      assert.equal(search(page).get("layer2"), "5");
      const [a, b] = [show("all-MiniLM-L6-v2", kTired, 1, 9), show("stories15M", kTired, 5, 9)].map((one) => one.layers[0].heads);
      for (const { heads, tv } of await lines(page)) {
        const [left, right] = heads.split(".").map(Number);
        if (Number.isNaN(right)) continue;
        // [CLS] and [SEP] stand against <s>: 11 words are common, the specials are alone.
        const common = a[left].row.slice(1, 12).reduce((sum, weight, i) => sum + Math.abs(weight - b[right].row[i + 1]), 0);
        near(tv, (common + a[left].row[0] + a[left].row[12] + b[right].row[0]) / 2, heads);
      }
    }),
  );
}

export async function compareTests(t, browser, lab) {
  await mouseTests(t, browser, lab);
  await keyboardTests(t, browser, lab);
  await headsOffTests(t, browser, lab);
  await modelsTests(t, browser, lab);
}

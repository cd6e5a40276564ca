// Which heads have a card: four that differ, those that are pinned from any layer, or all.
import assert from "node:assert/strict";
import { search, settled, values, withPage } from "./support/browser.mjs";
import { show } from "./support/lab.mjs";

const kModel = "all-MiniLM-L6-v2";
const kText = "The cat sat on the mat";
const kPath = `/?view=model&model=${kModel}&text=${encodeURIComponent(kText)}&layer=2&query=2`;

const cards = (page) => page.locator("[data-card]").evaluateAll((found) => found.map((one) => one.dataset.card));
const rowOf = (page, card) => values(page, `[data-card="${card}"] [data-key]`);
const told = (layer, head, query = 2) => show(kModel, kText, layer, query).layers[0].heads[head].row;

async function press(page, ...keys) {
  for (const key of keys) {
    await page.keyboard.press(key);
    await settled(page);
  }
}

async function click(page, selector, options = {}) {
  await page.click(selector, options);
  await settled(page);
}

async function choiceTests(t, browser, lab) {
  await t.test("four cards to begin with, of heads that differ, the same for every word; all on request", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      const first = await cards(page);
      assert.equal(first.length, 4);
      for (const card of first) assert.deepEqual(await rowOf(page, card), told(2, Number(card.split(".")[1])), card);
      const rows = first.map((card) => told(2, Number(card.split(".")[1]), 6)); // the token that the page begins with
      const apart = (a, b) => a.reduce((sum, weight, i) => sum + Math.abs(weight - b[i]), 0) / 2;
      const nearest = Math.min(...rows.flatMap((a, i) => rows.slice(i + 1).map((b) => apart(a, b))));
      assert.ok(nearest > 0.1, `two of the four read alike: ${nearest}`);
      await click(page, '[data-token="4"]');
      assert.deepEqual(await cards(page), first);
      await page.press("#all-cards", "Enter");
      await settled(page);
      assert.deepEqual(await cards(page), Array.from({ length: 12 }, (_, head) => `2.${head}`));
      assert.equal(search(page).get("cards"), "all");
      await page.goBack();
      await settled(page);
      assert.deepEqual(await cards(page), first);
    }),
  );

  await t.test("every head of the layer stands in the bar, with the word that it reads most", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      const words = await page.locator("[data-token]").allInnerTexts();
      const chips = await page.locator("[data-chip]").allInnerTexts();
      assert.equal(chips.length, 12);
      chips.forEach((chip, head) => {
        const row = told(2, head);
        const most = row.indexOf(Math.max(...row));
        assert.equal(chip.replace(/\s+/g, " ").trim(), `${head} ${row[most] >= 0.1 ? words[most] : "–"}`);
      });
    }),
  );

  await t.test("an address from before names a head: its card is there", () =>
    withPage(browser, lab, `${kPath}&head=7`, {}, async (page) => {
      assert.equal(await page.getAttribute(".card.chosen", "data-card"), "2.7");
      assert.equal((await cards(page)).length, 4);
    }),
  );
}

async function pinTests(t, browser, lab) {
  await t.test("by mouse: a pinned head stays through layers and reload, until it is let go", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      const before = await cards(page);
      const hidden = Array.from({ length: 12 }, (_, head) => `2.${head}`).find((card) => !before.includes(card));
      await click(page, `[data-chip="${hidden}"]`);
      assert.ok((await cards(page)).includes(hidden));
      assert.equal((await cards(page)).length, 4, "a pinned card takes a place");
      assert.equal(search(page).get("pins"), hidden);
      await click(page, '[data-layer="4"]');
      assert.equal((await cards(page)).at(-1), hidden);
      assert.match(await page.locator(`[data-card="${hidden}"] h3`).innerText(), /Layer 2, head/);
      await click(page, '[data-token="5"]');
      const [layer, head] = hidden.split(".").map(Number);
      assert.deepEqual(await rowOf(page, hidden), told(layer, head, 5));
      await page.reload();
      await settled(page);
      assert.deepEqual(await rowOf(page, hidden), told(layer, head, 5));
      for (const light of ["readers", "norms"]) {
        await page.check(`input[name="light"][value="${light}"]`);
        await settled(page);
        assert.ok(Math.max(...(await rowOf(page, hidden))) > 0, light);
      }
      await click(page, `[data-card="${hidden}"] .pin`);
      assert.equal(search(page).get("pins"), null);
      assert.ok(!(await cards(page)).includes(hidden));
    }),
  );

  await t.test("by mouse: heads are pinned in the grid with Shift, without opening their layer", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      for (const cell of ["0.3", "5.1", "1.2", "3.4", "4.4"]) await click(page, `[data-cell="${cell}"]`, { modifiers: ["Shift"] });
      assert.equal(search(page).get("layer"), "2");
      assert.deepEqual(await cards(page), ["0.3", "1.2", "3.4", "4.4", "5.1"], "four or more leave no room for others");
      assert.equal(await page.locator(".thumb.pinned").count(), 5);
      assert.deepEqual(await rowOf(page, "5.1"), told(5, 1));
    }),
  );

  await t.test("by keyboard: in the bar and in the grid", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      await page.focus('[data-chip="2.0"]');
      await press(page, "ArrowRight", "ArrowRight", "ArrowRight", "Enter");
      assert.equal(search(page).get("pins"), "2.3");
      assert.equal(await page.getAttribute('[data-chip="2.3"]', "aria-pressed"), "true");
      await press(page, "Enter");
      assert.equal(search(page).get("pins"), null);
      await page.focus('[data-cell="2.0"]');
      await press(page, "ArrowDown", "p");
      assert.equal(search(page).get("pins"), "3.0");
      assert.equal(await page.getAttribute('[data-cell="3.0"]', "aria-label"), "Layer 3, head 0: show, pinned");
      await press(page, "p");
      assert.equal(search(page).get("pins"), null);
    }),
  );

  await t.test("cards that share key/value heads stand under their name, those of other layers too", () =>
    withPage(browser, lab, "/?view=model&model=stories260K&text=Once+upon+a+time&layer=4&query=3&pins=1.5,4.2,4.3&lang=zh", {}, async (page) => {
      assert.ok((await page.locator(".kv-name").allInnerTexts()).some((name) => /第 1 层：.*2/.test(name)));
      assert.equal(await page.getAttribute('[data-card="1.5"]', "data-kv-head"), "2");
      assert.equal(await page.locator('.kv-group:has([data-card="4.2"]) [data-card="4.3"]').count(), 1);
      assert.match(await page.getAttribute('[data-chip="4.2"]', "aria-label"), /已钉住/);
    }),
  );
}

export async function pinsTests(t, browser, lab) {
  await choiceTests(t, browser, lab);
  await pinTests(t, browser, lab);
}

// What the page says of heads on the grounds of measurements. The counts are made up here, so that each kind of
// ground occurs; the engine's own tests say whether real ones are counted right.
import assert from "node:assert/strict";
import { renderAll, search, settled, values, withPage } from "./support/browser.mjs";

const kBert = "/?view=model&model=all-MiniLM-L6-v2&layer=2&query=9&cards=all&text=The+animal+did+not+cross+the+road+because+it+was+tired";
const kHeads = 6 * 12;

const counts = (usual, special) => Array.from({ length: kHeads }, (_, index) => special[index] ?? usual);
const removal = (right) => ({ right, lost: right.map((one) => 200 - one) });

const kAbilities = {
  model: "all-MiniLM-L6-v2",
  n_layers: 6,
  n_heads: 12,
  sentences: 1000,
  seed: 1,
  relations: [
    {
      language: "en",
      relation: "coreference",
      asked: 200,
      right: 194,
      pairs: 100,
      looks: counts(10, { 27: 93, 30: 71 }), // 2.3 and 2.6
      offset: -7,
      offset_hits: 24,
      without: {
        zero: removal(counts(194, { 27: 82 })),
        mean: removal(counts(194, { 27: 100 })),
        resample: removal(counts(194, { 27: 110, 30: 190 })),
      },
    },
  ],
  sets: [
    {
      relation: "coreference",
      layer: 2,
      heads: [3, 6],
      asked: 200,
      right: 194,
      without: { zero: { right: 62, random: [194, 190, 180] }, mean: { right: 90, random: [194] }, resample: { right: 84, random: [] } },
    },
  ],
  roles: [{ layer: 2, head: 3, language: "en", relation: "coreference", looks: 0.93, fixed_offset: 0.24, cost: 0.42, text: "" }],
};

const kEmergence = {
  model: "all-MiniLM-L6-v2",
  snapshots: [0, 100, 5000].map((step, i) => ({
    step,
    relations: [{ language: "en", relation: "coreference", right: [0, 40, 97][i], heads: counts(5, { 27: [4, 30, 93][i] }) }],
    sentences: [],
  })),
};

async function withRecords(page) {
  await page.route("**/api/v1/models", async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    body.models.find((one) => one.name === "all-MiniLM-L6-v2").records = ["abilities", "emergence"];
    await route.fulfill({ response: answer, json: body });
  });
  await page.route("**/api/v1/abilities?model=all-MiniLM-L6-v2", (route) => route.fulfill({ json: kAbilities }));
  await page.route("**/api/v1/emergence?model=all-MiniLM-L6-v2", (route) => route.fulfill({ json: kEmergence }));
  await page.reload();
  await settled(page);
  await renderAll(page); // text that is not laid out reads as empty
}

export async function evidenceTests(t, browser, lab) {
  await t.test("each card says on what grounds it speaks, and what was measured", () =>
    withPage(browser, lab, kBert, {}, async (page) => {
      const grounds = (head) => page.getAttribute(`[data-head="${head}"] .evidence`, "data-grounds");
      assert.equal(await grounds(3), "pattern", "nothing was measured of this model");
      await withRecords(page);
      assert.deepEqual([await grounds(3), await grounds(6), await grounds(0)], ["causal", "corpus", "pattern"]);
      await page.press('[data-head="3"] .evidence summary', "Enter");
      const line = page.locator('[data-head="3"] [data-relation="en.coreference"]');
      assert.match(await line.innerText(), /93\.0 % of 100 pairs \(best fixed distance: 24\.0 %\).*97\.0 %; without it 41\.0 % \(zero\), 50\.0 % \(mean\), 55\.0 %/s);
    }),
  );

  await t.test("the grid is coloured by a relation or by what a removal costs", () =>
    withPage(browser, lab, kBert, {}, async (page) => {
      await withRecords(page);
      const shares = () => page.locator("[data-share]").evaluateAll((all) => all.map((one) => Number(one.dataset.share)));
      await page.selectOption("#grid-colour", "looks en.coreference");
      await settled(page);
      assert.deepEqual(await shares(), kAbilities.relations[0].looks.map((one) => one / 100));
      await page.selectOption("#grid-colour", "cost en.coreference");
      await settled(page);
      const costs = await shares();
      assert.ok(Math.abs(costs[27] - 84 / 200) < 1e-12, `${costs[27]}`);
      assert.equal(costs[30], 0, "one way of removing it costs nothing");
    }),
  );

  await t.test("a head that is off shows what was measured to be lost without it", () =>
    withPage(browser, lab, `${kBert}&gates=2.3:0`, {}, async (page) => {
      await withRecords(page);
      assert.match(await page.locator('[data-measured="2.3"]').innerText(), /97\.0 % → 41\.0 %/);
      await page.check('input[name="how"][value="mean"]');
      await settled(page);
      assert.match(await page.locator('[data-measured="2.3"]').innerText(), /97\.0 % → 50\.0 %/);
    }),
  );

  await t.test("several heads that are off: the measured set, or plainly that it was not measured", () =>
    withPage(browser, lab, `${kBert}&gates=2.3:0;2.6:0`, {}, async (page) => {
      assert.equal(await page.locator("[data-no-record]").count(), 1, "nothing was measured of this model");
      await withRecords(page);
      const set = page.locator('[data-measured-set="2.3+2.6"]');
      assert.match(await set.innerText(), /who is meant, \d+ words in all languages: 97\.0 % → 31\.0 %.*3 times: 94\.0 % on average, 90\.0 % at worst/s);
      await page.press('[data-z="5"] .head-switch', "Enter");
      await settled(page);
      assert.equal(await set.count(), 0);
      assert.equal(await page.getAttribute("[data-unmeasured]", "data-unmeasured"), "3");
      await page.click('[data-set="2.3+2.6"]');
      await settled(page);
      assert.equal(search(page).get("gates"), "2.3:0;2.6:0");
      assert.equal(await set.count(), 1);
      await page.press('[data-z="5"] input[type="range"]', "ArrowLeft");
      await settled(page);
      assert.equal(await page.locator("[data-dimmed]").count(), 1);
    }),
  );

  await t.test("the training is scrubbed by keyboard, and a head of it opened", () =>
    withPage(browser, lab, kBert, {}, async (page) => {
      await withRecords(page);
      await page.press(".training summary", "Enter");
      await page.waitForSelector("#training-at");
      await settled(page);
      assert.deepEqual(await values(page, '[data-training="2.3"]'), [93]);
      await page.press("#training-at", "ArrowLeft");
      await settled(page);
      assert.deepEqual(await values(page, '[data-training="2.3"]'), [30]);
      assert.equal(await page.getAttribute("[data-right]", "data-right"), "40");
      await page.click('[data-training="4.1"]');
      await settled(page);
      assert.equal(`${search(page).get("layer")}.${search(page).get("head")}`, "4.1");
    }),
  );
}

// Sentences to begin with: one choice brings text, query token, layer and the head that finds the word.
import assert from "node:assert/strict";
import { search, settled, values, withPage } from "./support/browser.mjs";
import { printed, show } from "./support/lab.mjs";

const kBert = "/?view=model&model=all-MiniLM-L6-v2";

/** The strongest weight from `query` to `target` over all heads, as the command line prints the rows. */
function strongest(model, text, layers, query, target) {
  let best = { weight: -1 };
  for (let layer = 0; layer < layers; layer++) {
    for (const { head, row } of show(model, text, layer, query).layers[0].heads) {
      if (row[target] > best.weight) best = { at: `${layer}.${head}`, weight: row[target] };
    }
  }
  return best;
}

export async function scenarioTests(t, browser, lab) {
  await t.test("a scenario brings its sentence, its word and the head that links it best; it is switched off by one button", () =>
    withPage(browser, lab, kBert, {}, async (page) => {
      await page.focus('.scenario[tabindex="0"]');
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Enter");
      await settled(page);
      const text = "The animal didn't cross the street because it was too wide.";
      assert.equal(search(page).get("text"), text);
      assert.equal(await page.locator('[data-token][aria-checked="true"]').innerText(), "it");
      const query = Number(search(page).get("query"));
      const best = strongest("all-MiniLM-L6-v2", text, 6, query, 8);
      assert.equal(await page.locator('[data-token="8"]').innerText(), "street");
      assert.equal(await page.getAttribute("[data-finding]", "data-finding"), best.at);
      assert.deepEqual(await values(page, "[data-finding]"), [best.weight]);
      assert.equal(`${search(page).get("layer")}.${search(page).get("head")}`, best.at);
      await page.press("#finding-switch", "Enter");
      await settled(page);
      assert.equal(search(page).get("gates"), `${best.at}:0`);
      assert.equal(await page.locator("[data-loss]").count(), 1);
      const box = await page.locator("[data-loss]").boundingBox();
      assert.ok(box.y >= -1 && box.y < 450, `what is lost is brought up: ${box.y}`);
      const { heads } = printed("concat", "all-MiniLM-L6-v2", text, Number(best.at.split(".")[0]), query);
      assert.equal(Number(await page.getAttribute("[data-lost]", "data-lost")), heads[Number(best.at.split(".")[1])].share);
      await page.reload();
      await settled(page);
      assert.equal(await page.getAttribute('[data-scenario="wide"]', "aria-pressed"), "true");
      assert.equal(await page.getAttribute("[data-finding]", "data-finding"), best.at);
    }),
  );

  await t.test("a causal model looks back; sentences come in both languages; a text of one's own ends the scenario", () =>
    withPage(browser, lab, "/?view=model&model=stories15M&lang=zh", {}, async (page) => {
      await page.click('[data-sentences="zh"]');
      assert.equal(await page.locator('[data-scenario="blocks"]').count(), 1);
      await page.click('[data-sentences="en"]');
      await page.click('[data-scenario="rain"]');
      await settled(page);
      assert.equal(await page.locator('[data-token][aria-checked="true"]').innerText(), "rain");
      assert.match(await page.locator("[data-finding]").innerText(), /heavy/);
      await page.fill("#sentence", "Once upon a time");
      await page.press("#sentence", "Enter");
      await settled(page);
      assert.equal(search(page).get("scenario"), null);
      assert.equal(await page.locator("[data-finding]").count(), 0);
    }),
  );

  for (const [lang, id, word, target] of [["en", "tired", "it", "animal"], ["zh", "robot", "它", "动物"]]) {
    await t.test(`the first screen holds a sentence in which there is something to find (${lang})`, () =>
      withPage(browser, lab, "/", { locale: lang === "zh" ? "zh-CN" : "en-GB" }, async (page) => {
        assert.equal(search(page).get("scenario"), id);
        assert.equal(await page.locator('[data-token][aria-checked="true"]').innerText(), word);
        const place = await page.getAttribute("[data-finding]", "data-finding");
        const [weight] = await values(page, "[data-finding]");
        assert.ok(weight > 0.5, `lumen links them in a head: ${weight}`);
        assert.ok((await page.locator("[data-finding]").innerText()).includes(target));
        assert.equal(await page.getAttribute(".card.chosen", "data-card"), place);
        for (const seen of ["[data-finding]", "#finding-switch", ".card.chosen .card-top"]) {
          const box = await page.locator(seen).boundingBox();
          assert.ok(box && box.y >= 0 && box.y + box.height <= 900, `${seen} is on the first screen`);
        }
        await page.click("#language-switch");
        await settled(page);
        assert.equal(search(page).get("scenario"), id, "the sentence stays when the page speaks another language");
      }),
    );
  }

  await t.test("a model that knows no words is offered no sentences", () =>
    withPage(browser, lab, "/?view=model&model=gpt2-basic&text=17+4+99", {}, async (page) => {
      assert.equal(await page.locator(".scenario").count(), 0);
    }),
  );
}

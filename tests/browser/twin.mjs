// The single-head twin's row in the blended view. Two models with random weights stand in for a trained pair: what is
// checked is that the row is the twin's own, at the same layer and token.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { settled, values, withPage } from "./support/browser.mjs";
import { show, startLabOver } from "./support/lab.mjs";
import { writeRandomModel } from "./support/random_model.mjs";

const kMany = { layers: 3, heads: 4, width: 32, vocabulary: 64, positions: 32 };
const kIds = [7, 3, 9, 11, 60, 2];
const kPath = `/?view=model&model=many&text=${kIds.join("+")}&layer=1&query=4`;

/** The engine's own list, with one model named as the other's twin, as it is told of a trained pair. */
async function withTwin(page, name) {
  await page.route("**/api/v1/{models,traces}", async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    for (const model of body.models ?? [body.model]) if (model?.name === "many") model.single_head_twin = name;
    await route.fulfill({ response, json: body });
  });
}

const weights = (page) => page.locator("[data-blend-twin] [data-weight]").evaluateAll((cells) => cells.map((cell) => Number(cell.dataset.weight)));

async function assertTwin(page, folder, layer, query) {
  const [{ row, entropy }] = show(join(folder, "one"), kIds, layer, query).layers[0].heads;
  const average = await page.locator("[data-blend-average] [data-weight]").count();
  const found = await weights(page);
  assert.equal(found.length, average, "the same words as in the average");
  assert.ok(found.length > 0 && found.every((weight) => row.includes(weight)), `layer ${layer}, token ${query}: ${found} of ${row}`);
  assert.equal(Number(await page.getAttribute("[data-blend-twin]", "data-entropy")), entropy);
}

async function drive(t, browser, lab, folder) {
  await t.test("the twin's row stands beside the average of heads, and follows layer and word", () =>
    withPage(browser, lab, "/?view=example", { locale: "en-GB" }, async (page) => {
      await withTwin(page, "one");
      await page.goto(lab.url + kPath);
      await settled(page);
      await assertTwin(page, folder, 1, 4);
      assert.match(await page.locator("[data-twin-note]").innerText(), /one, a model trained as this one was/);
      await page.press('[data-token][aria-checked="true"]', "ArrowLeft");
      await settled(page);
      await assertTwin(page, folder, 1, 3);
      await page.click('[data-layer="0"]');
      await settled(page);
      await assertTwin(page, folder, 0, 3);
      await page.click('[data-layer="2"]'); // the twin has but two
      await settled(page);
      assert.equal(await page.locator("[data-blend-twin], [data-twin-note]").count(), 0);
      await page.click("#language-switch");
      await page.click('[data-layer="0"]');
      await settled(page);
      assert.match(await page.locator("[data-blend-twin] th").innerText(), /单头/);
    }),
  );

  await t.test("without a twin, or with one that is not here, there is no such row", () =>
    withPage(browser, lab, kPath, { locale: "en-GB" }, async (page) => {
      assert.equal(await page.locator("[data-blend-average]").count(), 1);
      assert.equal(await page.locator("[data-blend-twin]").count(), 0);
      await withTwin(page, "nobody");
      await page.reload();
      await settled(page);
      assert.equal((await values(page, ".blend-numbers b")).length, 3);
      assert.equal(await page.locator("[data-blend-twin]").count(), 0);
    }),
  );
}

export async function twinTests(t, browser) {
  const folder = mkdtempSync(join(tmpdir(), "headlight-twin-"));
  writeRandomModel(join(folder, "many"), kMany);
  writeRandomModel(join(folder, "one"), { ...kMany, layers: 2, heads: 1 });
  const lab = await startLabOver(folder);
  try {
    await drive(t, browser, lab, folder);
  } finally {
    await lab.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

// The layer by its numbers: the page's counts are those of the engine's own layer, and it times it.
import assert from "node:assert/strict";
import { search, settled, values, withPage } from "./support/browser.mjs";

const kPath = "/?view=dimensions";

async function told(lab, { d_model, n_heads, n_kv_heads, length }) {
  const answer = await fetch(`${lab.url}/api/v1/layer_time?${new URLSearchParams({ d_model, n_heads, n_kv_heads, length })}`);
  assert.equal(answer.status, 200);
  return answer.json();
}

async function assertCounts(page, lab, dimensions) {
  const engine = await told(lab, dimensions);
  const cost = async (name) => (await values(page, `[data-cost="${name}"]`))[0];
  assert.equal(await cost("parameters"), engine.parameters);
  assert.equal(await cost("flops_whole"), engine.whole.flops);
  assert.equal(await cost("flops_next"), engine.next.flops);
  assert.equal(await cost("cache"), engine.cache_numbers);
  for (const name of ["time_whole", "time_next"]) assert.ok((await cost(name)) > 0, name);
  assert.match(await page.locator("[data-attention]").innerText(), /ran [a-z_]+\//);
}

export async function dimensionsTests(t, browser, lab) {
  await t.test("counts are the engine's, and follow the sliders, by keyboard", () =>
    withPage(browser, lab, `${kPath}&dims=96.6.2.40`, {}, async (page) => {
      await assertCounts(page, lab, { d_model: 96, n_heads: 6, n_kv_heads: 2, length: 40 });
      assert.equal(await page.locator('[data-shape="k"] td').innerText(), "[40, 2, 16]");
      await page.focus("#dims-n_kv_heads");
      await page.keyboard.press("ArrowRight");
      await settled(page);
      await assertCounts(page, lab, { d_model: 96, n_heads: 6, n_kv_heads: 3, length: 40 });
      assert.equal(search(page).get("dims"), "96.6.3.40");
      assert.match(await page.locator('[data-program="PyTorch"] code').innerText(), /n_kv_heads = 40, 96, 6, 3\n/);
    }),
  );

  await t.test("what does not divide is explained, with the nearest that does one click away", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      await page.fill('[data-dims="n_heads"]', "7");
      await settled(page);
      assert.match(await page.locator("[data-misfit]").innerText(), /7 × 73 leaves 1 over/);
      const choices = await page.locator("[data-choice]").evaluateAll((all) => all.map((one) => one.dataset.choice));
      assert.deepEqual(choices, ["n_heads.4", "n_heads.8", "d_model.511", "d_model.518"]);
      await page.click('[data-choice="n_heads.4"]');
      await settled(page);
      assert.equal(await page.getAttribute("[data-misfit]", "data-misfit"), "n_kv_heads");
      await page.click('[data-choice="n_kv_heads.4"]');
      await settled(page);
      assert.equal(await page.locator("[data-misfit]").count(), 0);
    }),
  );

  await t.test("a layer too large to time here is counted all the same; the engine would refuse it", () =>
    withPage(browser, lab, `${kPath}&dims=2048.16.16.8192&lang=zh`, {}, async (page) => {
      assert.equal(await page.locator("[data-too-large]").count(), 1);
      assert.equal((await values(page, '[data-cost="parameters"]'))[0], 4 * 2048 * 2048 + 4 * 2048);
      const refusal = await fetch(`${lab.url}/api/v1/layer_time?d_model=2048&n_heads=16&length=8192`);
      assert.equal(refusal.status, 400);
      assert.match(await refusal.text(), /operations are more than/);
    }),
  );
}

// Heads at a glance: the grid's colours, the scatter plot, and the cards' light turned round.
import assert from "node:assert/strict";
import { search, settled, values, withPage } from "./support/browser.mjs";
import { show } from "./support/lab.mjs";

const kBert = "/?view=model&model=all-MiniLM-L6-v2&text=The+animal+was+tired&layer=2&query=2&cards=all";
const kStory = "/?view=model&model=stories260K&text=Once+upon+a+time&layer=1&query=2&cards=all";

const near = (found, told, what) => assert.ok(Math.abs(found - told) <= 1e-5 * Math.max(1, Math.abs(told)), `${what}: ${found}, not ${told}`);

/** A tensor of the API, asked for by the page itself. */
function tensor(page, path) {
  return page.evaluate(async (asked) => [...new Float32Array(await (await fetch(asked)).arrayBuffer())], `api/v1/traces/${path}`);
}

/** The id of the page's trace, as its own requests name it. */
async function openTrace(page) {
  const asked = page.waitForRequest(/traces\/[^/]+\/overview/);
  await page.reload();
  const id = /traces\/([^/]+)\//.exec((await asked).url())[1];
  await settled(page);
  return id;
}

/** Entropy, distance and weight on sinks of a whole pattern, in plain loops. */
function statisticsOf(pattern, sinks) {
  const length = Math.sqrt(pattern.length);
  let [entropy, distance, sink] = [0, 0, 0];
  pattern.forEach((weight, at) => {
    const [i, j] = [Math.floor(at / length), at % length];
    if (weight > 0) entropy -= weight * Math.log(weight);
    distance += weight * Math.abs(i - j);
    if (sinks.includes(j)) sink += weight;
  });
  return { entropy: entropy / length, distance: distance / length, sink: sink / length };
}

async function numbersTests(t, browser, lab) {
  for (const [name, path, heads] of [["all-MiniLM-L6-v2", kBert, 12], ["stories260K", kStory, 8]]) {
    await t.test(`${name}: every head's numbers are the command line's, and those of its whole pattern`, () =>
      withPage(browser, lab, path, {}, async (page) => {
        const id = await openTrace(page);
        const sinks = (await page.getAttribute("[data-sinks]", "data-sinks")).split(",").map(Number);
        await page.press(".glance-numbers summary", "Enter");
        await page.waitForSelector(".glance-numbers td");
        const shown = await values(page, ".glance-numbers td");
        const printed = show(name, search(page).get("text"), 0, 0).statistics;
        assert.deepEqual(shown, printed.entropy.flatMap((entropy, at) => [entropy, printed.distance[at], printed.sink_mass[at]]));
        assert.deepEqual(sinks, printed.sinks);
        for (const [layer, head] of [[0, 0], [2, 5], [4, heads - 1]]) {
          const told = statisticsOf(await tensor(page, `${id}/pattern?layer=${layer}&head=${head}`), sinks);
          const at = 3 * (layer * heads + head);
          ["entropy", "distance", "sink"].forEach((key, i) => near(shown[at + i], told[key], `${layer}.${head} ${key}`));
        }
      }),
    );
  }

  await t.test("the grid is coloured by what is chosen, says what its colours mean, and the address keeps it", () =>
    withPage(browser, lab, kBert, {}, async (page) => {
      assert.equal(await page.getAttribute("[data-legend]", "data-legend"), "");
      await page.selectOption("#grid-colour", "sink");
      await settled(page);
      const shares = () => page.locator("[data-share]").evaluateAll((all) => all.map((one) => Number(one.dataset.share)));
      assert.equal((await shares()).length, 72);
      assert.match(await page.locator("[data-legend=sink]").innerText(), /sinks.*0\.0 %.*100\.0 %/s);
      assert.match(await page.getAttribute('[data-cell="2.3"]', "aria-label"), /Layer 2, head 3: weight on sinks [\d.]+ %/);
      const before = await shares();
      await page.reload();
      await settled(page);
      assert.deepEqual(await shares(), before);
    }),
  );
}

async function scatterTests(t, browser, lab) {
  await t.test("the scatter plot is walked by keyboard, along its axes; Enter pins a card", () =>
    withPage(browser, lab, kBert, {}, async (page) => {
      await page.selectOption("#scatter-x", "sink");
      await settled(page);
      const points = await page.locator("[data-point]").evaluateAll((all) => all.map(({ dataset }) => ({ name: dataset.point, x: Number(dataset.x) })));
      const order = points.sort((a, b) => a.x - b.x).map((one) => one.name);
      await page.focus("#scatter");
      for (const key of ["Home", "ArrowRight", "Enter"]) await page.keyboard.press(key);
      await settled(page);
      const next = order[order.indexOf("0.0") + 1];
      assert.equal(`${search(page).get("layer")}.${search(page).get("head")}`, next);
      assert.equal(await page.getAttribute(`[data-point="${next}"]`, "aria-selected"), "true");
      assert.equal(await page.getAttribute(".card.chosen", "data-head"), next.split(".")[1]);
    }),
  );

  await t.test("a point says what it is under the pointer, and a click pins its card", () =>
    withPage(browser, lab, kBert, {}, async (page) => {
      const [name] = await page.locator("[data-point]").evaluateAll((all) => [...all].sort((a, b) => b.dataset.x - a.dataset.x).map((one) => one.dataset.point));
      await page.hover(`[data-point="${name}"]`);
      const [layer, head] = name.split(".");
      assert.match(await page.locator(".scatter-told").innerText(), new RegExp(`Layer ${layer}, head ${head}: mean distance .* tokens; entropy .* nats`));
      await page.click(`[data-point="${name}"]`);
      await settled(page);
      assert.equal(search(page).get("layer"), layer);
      assert.equal(await page.getAttribute(".card.chosen", "data-head"), head);
    }),
  );
}

async function lightTests(t, browser, lab) {
  const row = (page, head) => values(page, `[data-head="${head}"] [data-key]`);

  await t.test("beams turned round: each card shows a column of its head's pattern", () =>
    withPage(browser, lab, kStory, {}, async (page) => {
      const id = await openTrace(page);
      await page.press('input[name="light"][value="weights"]', "ArrowLeft"); // round to the last
      await settled(page);
      assert.equal(search(page).get("light"), "readers");
      for (const head of [0, 5]) {
        const pattern = await tensor(page, `${id}/pattern?layer=1&head=${head}`);
        const length = Math.sqrt(pattern.length);
        const told = Array.from({ length }, (_, i) => pattern[i * length + 2]);
        (await row(page, head)).forEach((weight, i) => near(weight, told[i], `${head}, ${i}`));
      }
      assert.equal(await page.locator('[data-head="0"] .unseen').count(), 2, "what comes before cannot read it");
      assert.match(await page.locator('[data-head="0"] .spread').innerText(), /gets [\d.]+ in all from \d+ words/);
    }),
  );

  await t.test("weight × ‖v W_O‖: what is carried, as shares of its sum", () =>
    withPage(browser, lab, kStory, {}, async (page) => {
      const id = await openTrace(page);
      const weights = await row(page, 6);
      await page.check('input[name="light"][value="norms"]');
      await settled(page);
      const v = await tensor(page, `${id}/values?layer=1&head=6`);
      const w_o = await tensor(page, `${id}/w_o?layer=1&head=6`);
      const [dim, width] = [v.length / weights.length, (w_o.length * weights.length) / v.length];
      const carried = weights.map((weight, j) => {
        const out = Array.from({ length: width }, (_, to) => w_o.reduce((sum, w, at) => (at % width === to ? sum + w * v[j * dim + Math.floor(at / width)] : sum), 0));
        return weight * Math.hypot(...out);
      });
      const total = carried.reduce((sum, one) => sum + one, 0);
      (await row(page, 6)).forEach((share, j) => near(share, carried[j] / total, `token ${j}`));
      near((await values(page, '[data-head="6"] .spread'))[0], total, "the sum");
    }),
  );

  await t.test("a text without special tokens has its first token for a sink, and it can be hidden", () =>
    withPage(browser, lab, "/?view=model&model=gpt2-basic&text=17+4+99+1000&layer=1&query=3&cards=all", {}, async (page) => {
      assert.equal(await page.getAttribute("[data-sinks]", "data-sinks"), "0");
      const [first] = await row(page, 0);
      await page.check("#hide-special");
      await settled(page);
      assert.equal((await row(page, 0)).length, 3);
      near((await values(page, '[data-head="0"] .hidden-mass'))[0], first, "hidden");
    }),
  );
}

export async function glanceTests(t, browser, lab) {
  await numbersTests(t, browser, lab);
  await scatterTests(t, browser, lab);
  await lightTests(t, browser, lab);
}

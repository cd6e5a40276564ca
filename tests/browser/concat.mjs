// Concat + W_O, heads switched off, and the blend: the page's numbers are the command line's.
import assert from "node:assert/strict";
import { search, settled, values, withPage } from "./support/browser.mjs";
import { printed } from "./support/lab.mjs";

const kText = "The animal did not cross the road because it was tired";
const kBert = "/?view=model&model=all-MiniLM-L6-v2&text=The+animal+did+not+cross+the+road+because+it+was+tired";
const kStory = "Once upon a time there was a little";
const kStories = `/?view=model&model=stories15M&text=${encodeURIComponent(kStory)}`;

async function press(page, ...keys) {
  for (const key of keys) {
    await page.keyboard.press(key);
    await settled(page);
  }
}

const added = ({ norm, cosine, share }) => [norm, cosine, share];

/** The table of added vectors, every row of it. */
async function assertConcat(page, told) {
  for (const head of told.heads) {
    assert.deepEqual(await values(page, `[data-added="${head.head}"] td[data-value]`), added(head), `head ${head.head}`);
  }
  const bias = await values(page, '[data-added="bias"] td[data-value]');
  assert.deepEqual(bias, told.b_o ? added(told.b_o) : []);
  assert.equal((await values(page, "[data-final] .norm"))[0], told.norm);
}

async function readPredictions(page, kind) {
  const rows = page.locator(`[data-predictions] tr.${kind}`);
  return rows.evaluateAll((found) =>
    found.map((row) => [
      Number(row.dataset.prediction.split(".")[1]),
      ...[...row.querySelectorAll("td")].map((cell) => Number(cell.dataset.value)),
    ]),
  );
}

/** What the page says is lost, against what `headlight ablate --json` prints. */
async function assertLoss(page, told) {
  const { after, direct } = told.final;
  const listed = await page.locator("[data-state]").evaluateAll((found) => found.map((row) => Number(row.dataset.state)));
  assert.equal(listed[0], told.query);
  assert.ok(listed.length > 1);
  for (const token of listed) {
    const shown = await values(page, `[data-state="${token}"] [data-value]`);
    assert.deepEqual(shown, [after[token].cosine, after[token].norm_after, direct[token].cosine], `token ${token}`);
  }
  assert.deepEqual(await values(page, "[data-layers] td"), told.layers.map((one) => one.query.difference));
  const change = await values(page, "[data-final-after] td[data-value]");
  assert.deepEqual(change.slice(0, 2), [told.block.change.norm_after, told.block.change.cosine]);
  const sources = await page.locator("[data-source]").evaluateAll((found) => found.map((row) => Number(row.dataset.source)));
  for (const token of sources) {
    const norms = [told.block.sources.before[token], told.block.sources.after[token]];
    assert.deepEqual(await values(page, `[data-source="${token}"] td`), norms, `source ${token}`);
  }
  if (!told.predictions) {
    assert.equal(await page.locator(".no-predictions").count(), 1);
    return;
  }
  for (const kind of ["best", "lost", "gained"]) {
    const expected = told.predictions[kind].slice(0, 3).map((one) => [one.id, one.before, one.after, one.direct]);
    assert.deepEqual(await readPredictions(page, kind), expected, kind);
  }
}

async function numbersTests(t, browser, lab) {
  await t.test("what each head adds is the command line's, with b_O and without", () =>
    withPage(browser, lab, `${kBert}&layer=2&query=9`, {}, async (page) => {
      await assertConcat(page, printed("concat", "all-MiniLM-L6-v2", kText, 2, 9));
      await page.click('[data-layer="4"]');
      await settled(page);
      await page.click('[data-token="3"]');
      await settled(page);
      await assertConcat(page, printed("concat", "all-MiniLM-L6-v2", kText, 4, 3));
      await page.goto(`${lab.url}${kStories}&layer=1&query=4`);
      await settled(page);
      await assertConcat(page, printed("concat", "stories15M", kStory, 1, 4));
    }),
  );

  await t.test("a number of z is the command line's, and its formula adds up to it", () =>
    withPage(browser, lab, `${kBert}&layer=2&query=9`, {}, async (page) => {
      const told = printed("concat", "all-MiniLM-L6-v2", kText, 2, 9);
      await page.focus('[data-z="3"] .z-strip');
      await press(page, "ArrowRight", "ArrowRight");
      for (const component of [2, 3]) {
        const [shown] = await values(page, ".formula[data-value]");
        assert.equal(shown, told.heads[3].z[component]);
        const terms = await page.locator(".formula .term").evaluateAll((all) => all.map((one) => Number(one.dataset.product)));
        assert.equal(terms.length, 5);
        const sum = terms.reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - shown) < 1e-5, `${sum} is not ${shown}`);
        assert.match(await page.getAttribute('[data-z="3"] .z-strip', "aria-valuetext"), new RegExp(`component ${component}`));
        await press(page, "ArrowRight");
      }
      const box = await page.locator('[data-z="5"] .z-strip').boundingBox();
      await page.mouse.move(box.x + box.width * (7.5 / 32), box.y + 20);
      await settled(page);
      assert.equal((await values(page, ".formula[data-value]"))[0], told.heads[5].z[7]);
    }),
  );

  await t.test("the blend's numbers are the command line's", () =>
    withPage(browser, lab, `${kBert}&layer=3&query=9`, {}, async (page) => {
      const [told] = printed("show", "all-MiniLM-L6-v2", kText, 3, 9).layers;
      assert.deepEqual(await values(page, ".blend-numbers b"), [told.entropy_of_average, told.mean_of_entropies, told.jsd]);
      const columns = told.readers.map((readers, index) => ({ readers, index })).filter((one) => one.readers !== "none" || one.index === 9);
      const readers = await page.locator(".blend th[data-readers]").evaluateAll((all) => all.map((one) => one.dataset.readers));
      assert.deepEqual(readers, columns.map((one) => one.readers));
      const weights = (selector) => page.locator(`${selector} [data-weight]`).evaluateAll((all) => all.map((one) => Number(one.dataset.weight)));
      assert.deepEqual(await weights("[data-blend-average]"), columns.map((one) => told.average_of_heads[one.index]));
      for (const head of told.heads) {
        assert.deepEqual(await weights(`[data-blend-head="${head.head}"]`), columns.map((one) => head.row[one.index]));
      }
      const buried = await page.locator("[data-buried]").evaluateAll((all) => all.map((one) => one.dataset.buried));
      assert.ok(buried.length > 0);
      assert.deepEqual(buried, told.buried.map((one) => `${one.token}.${one.head}`));
    }),
  );
}

async function switchTests(t, browser, lab) {
  await t.test("a head is switched off, dimmed and on again by keyboard; what is lost is the command line's", () =>
    withPage(browser, lab, `${kStories}&layer=2&query=8`, {}, async (page) => {
      assert.equal(await page.locator("[data-loss]").count(), 0);
      await page.focus('[data-z="1"] .head-switch');
      await press(page, "Space");
      assert.equal(search(page).get("gates"), "2.1:0");
      assert.equal(await page.getAttribute('[data-z="1"] .head-switch', "aria-checked"), "false");
      await assertLoss(page, printed("ablate", "stories15M", kStory, 2, 8, "--heads", "2.1"));
      await page.focus('[data-z="4"] input[type="range"]');
      await press(page, "ArrowLeft", "ArrowLeft");
      assert.equal(search(page).get("gates"), "2.1:0;2.4:0.9");
      await assertLoss(page, printed("ablate", "stories15M", kStory, 2, 8, "--heads", "2.1,2.4=0.9"));
      await press(page, "End");
      await page.focus('[data-z="1"] .head-switch');
      await press(page, "Enter");
      assert.equal(search(page).get("gates"), null);
      assert.equal(await page.locator("[data-loss]").count(), 0);
    }),
  );

  await t.test("mean and another text stand in for a head, by mouse; reload and 'all on' keep and end it", () =>
    withPage(browser, lab, `${kBert}&layer=2&query=9`, {}, async (page) => {
      await page.click('[data-z="7"] .head-switch');
      await settled(page);
      await page.click('input[value="mean"]');
      await settled(page);
      await assertLoss(page, printed("ablate", "all-MiniLM-L6-v2", kText, 2, 9, "--heads", "2.7", "--how", "mean"));
      await page.click('input[value="resample"]');
      await settled(page);
      assert.equal(await page.locator("[data-loss]").count(), 0, "another text is missing");
      await page.fill("#other-text", "A dog ran");
      await page.keyboard.press("Enter");
      await settled(page);
      const told = printed("ablate", "all-MiniLM-L6-v2", kText, 2, 9, "--heads", "2.7", "--how", "resample", "--with", "A dog ran");
      await assertLoss(page, told);
      await page.reload();
      await settled(page);
      await assertLoss(page, told);
      assert.equal(await page.inputValue("#other-text"), "A dog ran");
      await page.click("#all-on");
      await settled(page);
      assert.equal(search(page).get("gates"), null);
      assert.equal(await page.locator("[data-loss]").count(), 0);
    }),
  );

  await t.test("heads of several layers stay off while layer and token change; ids work too; nonsense is passed over", () =>
    withPage(browser, lab, "/?view=model&model=gpt2-basic&text=17+4+99+1000&layer=1&query=3&gates=0.2:0;1.1:0.25;9.9:0;x", {}, async (page) => {
      const heads = ["--heads", "0.2,1.1=0.25"];
      await assertLoss(page, printed("ablate", "gpt2-basic", [17, 4, 99, 1000], 1, 3, ...heads));
      await page.click('[data-layer="0"]');
      await settled(page);
      await page.click('[data-token="2"]');
      await settled(page);
      await assertLoss(page, printed("ablate", "gpt2-basic", [17, 4, 99, 1000], 0, 2, ...heads));
      assert.match(await page.getAttribute('[data-z="2"]', "class"), /off/);
    }),
  );
}

async function blockTests(t, browser, lab) {
  await t.test("a head's block of W_O is shown on demand, and read by keyboard and mouse", () =>
    withPage(browser, lab, `${kBert}&layer=2&query=9`, {}, async (page) => {
      assert.equal(await page.locator("[data-block]").count(), 0);
      const waiting = page.waitForResponse(/\/w_o\?layer=2&head=6/);
      await page.focus('[data-added="6"] .block-button');
      await press(page, "Enter");
      const bytes = await (await waiting).body();
      const at = (row, column) => bytes.readFloatLE(4 * (row * 384 + column));
      await page.focus(".block-map");
      await press(page, "ArrowDown", "ArrowRight");
      assert.equal(await page.getAttribute(".block-cell", "data-cell"), "1,1");
      assert.equal((await values(page, ".block-cell"))[0], at(1, 1));
      const box = await page.locator(".block-map canvas").boundingBox();
      await page.mouse.move(box.x + (box.width * 200.5) / 384, box.y + (box.height * 20.5) / 32);
      await settled(page);
      assert.equal(await page.getAttribute(".block-cell", "data-cell"), "20,200");
      assert.equal((await values(page, ".block-cell"))[0], at(20, 200));
      await page.click('[data-added="6"] .block-button');
      assert.equal(await page.locator("[data-block]").count(), 0);
    }),
  );
}

export async function concatTests(t, browser, lab) {
  await numbersTests(t, browser, lab);
  await switchTests(t, browser, lab);
  await blockTests(t, browser, lab);
}

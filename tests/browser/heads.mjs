// A real model: the page's numbers are the command line's, and everything is reached by keyboard.
import assert from "node:assert/strict";
import { join } from "node:path";
import { search, settled, values, withPage } from "./support/browser.mjs";
import { models, show, startLab } from "./support/lab.mjs";

const kText = "The animal did not cross the road because it was tired";
const kPath = "/?view=model&model=all-MiniLM-L6-v2&cards=all&text=The+animal+did+not+cross+the+road+because+it+was+tired";

/** What the page shows of one layer and query token, in the shape that the command line prints. */
async function readRows(page) {
  const cards = page.locator(".cards [data-head]");
  const heads = [];
  for (let i = 0; i < (await cards.count()); i++) {
    const head = Number(await cards.nth(i).getAttribute("data-head"));
    const kvHead = Number(await cards.nth(i).getAttribute("data-kv-head"));
    heads.push({
      head,
      kv_head: kvHead,
      row: await values(page, `[data-head="${head}"] [data-key]`),
      entropy: (await values(page, `[data-head="${head}"] .spread`))[0],
    });
  }
  heads.sort((a, b) => a.head - b.head);
  return { heads, average_of_heads: await values(page, "[data-average] [data-key]") };
}

async function assertSameAsCommandLine(page, model, input, layer, query) {
  const printed = show(model, input, layer, query).layers.find((one) => one.layer === layer);
  const { heads, average_of_heads } = await readRows(page);
  const told = printed.heads.map(({ head, kv_head, row, entropy }) => ({ head, kv_head, row, entropy }));
  assert.equal(printed.query, query);
  assert.deepEqual(heads, told);
  assert.deepEqual(average_of_heads, printed.average_of_heads);
}

const chosen = (page) => page.locator('[data-token][aria-checked="true"]');

async function pressAndSettle(page, ...keys) {
  for (const key of keys) {
    await page.keyboard.press(key);
    await settled(page);
  }
}

async function startTests(t, browser) {
  await t.test("with --model the lab opens that model, at the token that asks the question", async () => {
    const lab = await startLab("--model", join(models, "all-MiniLM-L6-v2"));
    try {
      await withPage(browser, lab, "/", {}, async (page) => {
        assert.equal(await page.inputValue("#model-picker"), "all-MiniLM-L6-v2");
        assert.equal(await chosen(page).innerText(), "it");
        assert.equal(await page.locator(".cards [data-head]").count(), 4);
      });
    } finally {
      await lab.stop();
    }
  });
}

/** The kernel that ran and those that did not, as the command line names them. */
async function kernelTests(t, browser, lab) {
  for (const [lang, declined] of [["en", "declined"], ["zh", "未采用"]]) {
    await t.test(`the page names the kernel that ran, and why others did not (${lang})`, () =>
      withPage(browser, lab, `${kPath}&lang=${lang}`, {}, async (page) => {
        const { kernels } = show("all-MiniLM-L6-v2", kText, 0, 0);
        const report = page.locator("details.computed-by");
        assert.match(await report.locator("summary").innerText(), new RegExp(`${kernels.ran}.*${kernels.isa}`));
        await report.locator("summary").press("Enter");
        assert.equal(await report.locator("[data-declined]").count(), kernels.declined.length);
        for (const { kernel, reason } of kernels.declined) {
          const line = await report.locator(`[data-declined="${kernel}"]`).innerText();
          assert.ok(line.includes(declined) && line.includes(reason), line);
        }
      }),
    );
  }
}

async function numbersTests(t, browser, lab) {
  for (const [layer, query] of [[0, 0], [2, 9], [5, 11]]) {
    await t.test(`all-MiniLM-L6-v2 layer ${layer}, query ${query}: every number is the command line's`, () =>
      withPage(browser, lab, `${kPath}&layer=${layer}&query=${query}`, {}, (page) =>
        assertSameAsCommandLine(page, "all-MiniLM-L6-v2", kText, layer, query),
      ),
    );
  }

  await t.test("stories15M, causal: the same, and later tokens are not visible", () =>
    withPage(browser, lab, "/?view=model&model=stories15M&text=Once+upon+a+time&layer=3&query=2&cards=all", {}, async (page) => {
      await assertSameAsCommandLine(page, "stories15M", "Once upon a time", 3, 2);
      const later = await page.locator('[data-head="0"] .unseen').count();
      assert.equal(later, (await page.locator("[data-token]").count()) - 3);
    }),
  );

  await t.test("stories260K: grouped-query heads name the key/value head that they read", () =>
    withPage(browser, lab, "/?view=model&model=stories260K&text=Once+upon+a+time&layer=4&query=3&cards=all", {}, async (page) => {
      await assertSameAsCommandLine(page, "stories260K", "Once upon a time", 4, 3);
      assert.equal(await page.locator(".kv-group").count(), 4);
      assert.equal(await page.getAttribute('[data-head="5"]', "data-kv-head"), "2");
    }),
  );

  await t.test("gpt2-basic has no tokenizer: the page asks for ids, and says what is wrong with others", () =>
    withPage(browser, lab, "/?view=model&model=gpt2-basic&text=17+4+99+1000&layer=1&query=3&cards=all", {}, async (page) => {
      await assertSameAsCommandLine(page, "gpt2-basic", [17, 4, 99, 1000], 1, 3);
      await page.fill("#sentence", "seventeen");
      await page.keyboard.press("Enter");
      await settled(page);
      assert.match(await page.locator(".notice-text").innerText(), /whole numbers/);
      assert.equal(await page.inputValue("#sentence"), "seventeen");
    }),
  );
}

async function keyboardTests(t, browser, lab) {
  await t.test("sentence, query token, layer, head and card are reached by keyboard alone", () =>
    withPage(browser, lab, `${kPath}&layer=0`, {}, async (page) => {
      await page.focus("#sentence");
      await page.keyboard.press("Control+A");
      await page.keyboard.type("The cat sat on the mat");
      await pressAndSettle(page, "Enter");
      assert.equal(search(page).get("text"), "The cat sat on the mat");
      await chosen(page).focus();
      await pressAndSettle(page, "Home", "ArrowRight", "ArrowRight");
      assert.equal(await chosen(page).innerText(), "cat");
      assert.equal(await page.evaluate(() => document.activeElement.textContent), "cat");
      await page.focus('[data-layer][aria-checked="true"]');
      await pressAndSettle(page, "ArrowRight");
      assert.equal(await page.getAttribute('[data-layer="1"]', "aria-checked"), "true");
      await assertSameAsCommandLine(page, "all-MiniLM-L6-v2", "The cat sat on the mat", 1, 2);
      await page.focus('[data-head="3"] .row-lines');
      await pressAndSettle(page, "ArrowDown");
      const number = page.locator('[data-head="3"] [data-active] .row-number');
      const key = await page.getAttribute('[data-head="3"] [data-active]', "data-key");
      const told = show("all-MiniLM-L6-v2", "The cat sat on the mat", 1, 2).layers[0].heads[3].row[key];
      assert.equal(await number.innerText(), told < 0.0005 ? "<.001" : told.toFixed(3).replace(/^0/, ""));
      assert.match(await page.getAttribute('[data-head="3"] [data-active]', "aria-label"), new RegExp(await number.innerText()));
      await page.focus('[data-cell="1.0"]');
      await pressAndSettle(page, "ArrowDown", "ArrowRight", "Enter");
      assert.equal(search(page).get("layer"), "2");
      assert.equal(search(page).get("head"), "1");
    }),
  );
}

async function mouseTests(t, browser, lab) {
  await t.test("hover previews a query token, a click chooses it", () =>
    withPage(browser, lab, `${kPath}&layer=1`, {}, async (page) => {
      const before = await readRows(page);
      await page.hover('[data-token="2"]');
      await settled(page);
      assert.notDeepEqual(await readRows(page), before);
      assert.equal(await chosen(page).innerText(), "it");
      await page.hover("h1, .brand");
      await settled(page);
      assert.deepEqual(await readRows(page), before);
      await page.click('[data-token="2"]');
      await settled(page);
      assert.equal(await chosen(page).innerText(), "animal");
    }),
  );

  await t.test("the overview opens a layer and marks the head; back and reload restore the page", () =>
    withPage(browser, lab, `${kPath}&layer=1&query=3`, {}, async (page) => {
      await page.click('[data-cell="4.7"]');
      await settled(page);
      assert.match(await page.locator('[data-head="7"]').getAttribute("class"), /chosen/);
      const there = await readRows(page);
      await page.reload();
      await settled(page);
      assert.deepEqual(await readRows(page), there);
      assert.match(await page.locator('[data-head="7"]').getAttribute("class"), /chosen/);
      await page.goBack();
      await settled(page);
      assert.equal(await page.getAttribute('[data-layer="1"]', "aria-checked"), "true");
      assert.equal(await page.locator(".card.chosen").count(), 0);
    }),
  );

  await t.test("hiding the special tokens says how much weight that hides, and rescales nothing", () =>
    withPage(browser, lab, `${kPath}&layer=2`, {}, async (page) => {
      const row = await values(page, '[data-head="0"] [data-key]');
      await page.check("#hide-special");
      await settled(page);
      const [hidden] = await values(page, '[data-head="0"] .hidden-mass');
      assert.deepEqual(await values(page, '[data-head="0"] [data-key]'), row.slice(1, -1));
      assert.ok(Math.abs(hidden - (row[0] + row.at(-1))) < 1e-12, `${hidden}`);
    }),
  );
}

/** Chromium reports a failed request on the console by itself: exactly one such report is expected. */
function expectReport(complaints, pattern) {
  const at = complaints.findIndex((one) => pattern.test(one));
  assert.notEqual(at, -1, `no report like ${pattern}`);
  complaints.splice(at, 1);
}

async function errorTests(t, browser, lab) {
  await t.test("a refusal is said in place and the sentence is not lost", () =>
    withPage(browser, lab, kPath, {}, async (page, complaints) => {
      const tooLong = "road ".repeat(600);
      await page.fill("#sentence", tooLong);
      await page.click("#analyse");
      await settled(page);
      assert.match(await page.locator(".notice-text").innerText(), /512/);
      assert.equal(await page.inputValue("#sentence"), tooLong);
      await page.fill("#sentence", "A road");
      await page.click("#analyse");
      await settled(page);
      assert.equal(await page.locator(".notice").count(), 0);
      assert.equal(await page.locator("[data-token]").count(), 4);
      expectReport(complaints, /status of 400/);
    }),
  );

  await t.test("a trace that the engine no longer keeps is run again", () =>
    withPage(browser, lab, `${kPath}&layer=0`, {}, async (page, complaints) => {
      const gone = { status: 404, contentType: "application/json", body: '{"error":{"op":"lab","message":"no such trace"}}' };
      await page.route("**/rows?layer=4*", (route) => route.fulfill(gone), { times: 1 });
      await page.click('[data-layer="4"]');
      await settled(page);
      await assertSameAsCommandLine(page, "all-MiniLM-L6-v2", kText, 4, 9);
      assert.equal(await page.locator(".notice").count(), 0);
      expectReport(complaints, /status of 404/);
    }),
  );

  await t.test("an engine that does not answer is said so, and the sentence can be tried again", () =>
    withPage(browser, lab, kPath, {}, async (page, complaints) => {
      await page.route("**/api/v1/traces", (route) => route.abort("connectionrefused"), { times: 1 });
      await page.fill("#sentence", "The road was empty");
      await page.keyboard.press("Enter");
      await settled(page);
      assert.match(await page.locator(".notice-text").innerText(), /does not answer/);
      assert.equal(await page.inputValue("#sentence"), "The road was empty");
      await page.click(".notice button");
      await settled(page);
      assert.equal(await page.locator(".notice").count(), 0);
      assert.equal(await page.locator("[data-token]").count(), 6);
      expectReport(complaints, /ERR_CONNECTION_REFUSED/);
    }),
  );
}

export async function headsTests(t, browser, lab) {
  await startTests(t, browser);
  await kernelTests(t, browser, lab);
  await numbersTests(t, browser, lab);
  await keyboardTests(t, browser, lab);
  await mouseTests(t, browser, lab);
  await errorTests(t, browser, lab);
}

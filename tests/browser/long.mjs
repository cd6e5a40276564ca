// Long texts: the map of a head by keyboard and mouse, its numbers the engine's, and a page that stays small.
import assert from "node:assert/strict";
import { keep } from "./looks.mjs";
import { search, settled, values, withPage } from "./support/browser.mjs";
import { show } from "./support/lab.mjs";

const kModel = "stories260K";
const kPath = `/?view=long&model=${kModel}`;
/** Some 3000 tokens, with one word that occurs once. */
const kSentence = "Once upon a time there was a little dog who wanted to see the big red ball by the tree. ";
const kText = `${kSentence.repeat(30)}Then came a zebra. ${kSentence.repeat(30)}`;

async function press(page, ...keys) {
  for (const key of keys) {
    await page.keyboard.press(key);
    await settled(page);
  }
}

async function open(page, text, past = true) {
  await page.fill("#long-text", text);
  await page.setChecked("#long-past", past);
  await page.focus("#long-start");
  await press(page, "Enter");
}

const area = async (page) => (await page.getAttribute("#long-map", "data-area")).split(".").map(Number);
const length = async (page) => Number(await page.getAttribute("[data-long-length]", "data-long-length"));

async function told(lab, page, part, query) {
  const answer = await fetch(`${lab.url}/api/v1/traces/${search(page).get("long")}/${part}?${new URLSearchParams(query)}`);
  assert.equal(answer.status, 200, `${part} ${JSON.stringify(query)}`);
  return answer;
}

async function toldMap(lab, page, layer, head) {
  const [row, key, span] = await area(page);
  const answer = await told(lab, page, "map", { layer, head, rows: `${row}:${row + span}`, columns: `${key}:${key + span}` });
  const [, rows, columns] = answer.headers.get("X-Shape").split(",").map(Number);
  return { rows, columns, data: new Float32Array(await answer.arrayBuffer()), read: answer.headers.get("X-Rows-Read") };
}

async function keyboardTests(t, browser, lab) {
  await t.test("a text past what was trained is refused, then goes on with a warning; the map is moved by keyboard", () =>
    withPage(browser, lab, kPath, {}, async (page, complaints) => {
      await open(page, kText, false);
      assert.match(await page.locator(".notice[role=alert]").innerText(), /512 positions/);
      complaints.splice(complaints.findIndex((one) => /status of 400/.test(one)), 1);
      await open(page, kText);
      assert.match(await page.locator(".long-past").innerText(), /512/);
      const tokens = await length(page);
      assert.ok(tokens > 1500, `${tokens}`);
      assert.deepEqual(await area(page), [0, 0, tokens]);
      assert.equal((await values(page, ".long-target")).length, 0);

      await page.focus("#long-map");
      await press(page, "ArrowDown", "ArrowDown", "ArrowLeft");
      const whole = await toldMap(lab, page, 0, 0);
      assert.equal(whole.read, `${tokens},${tokens}`);
      const at = (whole.rows / 2 + 2) * whole.columns + whole.columns / 2 - 1;
      const cell = await page.locator(".long-cell").evaluate((one) => [Number(one.dataset.mean), Number(one.dataset.max)]);
      assert.deepEqual(cell, [whole.data[at], whole.data[whole.rows * whole.columns + at]]);

      await press(page, "+", "+", "+");
      const [row, key, span] = await area(page);
      assert.equal(span, Math.round(Math.round(Math.round(tokens / 2) / 2) / 2));
      assert.ok(row > 0 && key > 0);
      await press(page, "Shift+ArrowLeft");
      assert.ok((await area(page))[1] < key);
      await press(page, "Enter");
      const query = Number(search(page).get("query"));
      assert.ok(query >= row && query < row + span, `${query}`);
      await press(page, "0");
      assert.deepEqual(await area(page), [0, 0, tokens]);
    }),
  );
}

async function numbersTests(t, browser, lab) {
  await t.test("strongest targets are the command line's, in every layer and head asked for", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      const text = kSentence.repeat(3).trim();
      await open(page, text, false);
      assert.equal(await page.locator(".long-past").count(), 0);
      for (const [layer, head, query] of [[0, 3, 40], [2, 5, 77]]) {
        await page.click(`[data-long-layer="${layer}"]`);
        await settled(page);
        await page.click(`[data-long-head="${head}"]`);
        await page.fill("#long-jump", String(query));
        await page.press("#long-jump", "Enter");
        await page.mouse.move(0, 0);
        await settled(page);
        const [printed] = show(kModel, text, layer, query).layers.filter((one) => one.layer === layer);
        const row = printed.heads.find((one) => one.head === head).row;
        const listed = await page.locator(".long-target").evaluateAll((all) => all.map((one) => [Number(one.dataset.target), Number(one.dataset.value)]));
        const expected = row.map((weight, token) => [token, weight]).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
        assert.deepEqual(listed, expected.slice(0, 8));
      }
    }),
  );

  await t.test("the table behind the map lists its strongest cells; a step into one comes closer", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      await open(page, kText);
      await page.locator(".long-table summary").press("Enter");
      await settled(page);
      const map = await toldMap(lab, page, 0, 0);
      const listed = await page.locator("[data-cell-value]").evaluateAll((all) => all.map((one) => Number(one.dataset.cellValue)));
      assert.deepEqual(listed, [...map.data.slice(0, map.rows * map.columns)].sort((a, b) => b - a).slice(0, 12));
      const before = await area(page);
      await page.locator("[data-cell-value] button").first().press("Enter");
      await settled(page);
      assert.ok((await area(page))[2] < before[2] / 4);
    }),
  );
}

async function mouseTests(t, browser, lab) {
  await t.test("wheel, drag, click and minimap; a word is found; the page holds few tokens; reload keeps it all", () =>
    withPage(browser, lab, `${kPath}&lang=zh`, {}, async (page) => {
      await open(page, kText);
      const tokens = await length(page);
      const canvas = page.locator("#long-map");
      await canvas.scrollIntoViewIfNeeded();
      const box = await canvas.boundingBox();
      await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.6);
      for (let i = 0; i < 4; i++) {
        await page.mouse.wheel(0, -100);
        await settled(page);
      }
      const [row, key, span] = await area(page);
      assert.ok(Math.abs(span - tokens / 4) <= 4, `${span} of ${tokens}`);
      assert.ok(Math.abs(row + 0.6 * span - 0.6 * tokens) < 8 && Math.abs(key + 0.3 * span - 0.3 * tokens) < 8);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.4, box.y + box.height * 0.5, { steps: 4 });
      await page.mouse.up();
      await settled(page);
      const moved = await area(page);
      assert.ok(moved[1] < key && moved[0] > row, `${moved}`);
      await page.mouse.click(box.x + box.width * 0.5, box.y + box.height * 0.5);
      await settled(page);
      const query = Number(search(page).get("query"));
      assert.ok(Math.abs(query - (moved[0] + 0.5 * span)) < 4, `${query}`);

      await page.fill("#long-search", "ZEBRA");
      await page.press("#long-search", "Enter");
      await page.mouse.move(0, 0);
      await settled(page);
      assert.match(await page.locator(".long-self").innerText(), /Then came a zebra\./);
      const words = page.locator("[data-word]");
      assert.equal(await words.count(), 40);
      assert.ok((await page.locator("*").count()) < 900, "nodes do not grow with the text");
      await page.locator('[data-word][aria-checked="true"]').focus();
      const found = Number(search(page).get("query"));
      await press(page, "ArrowRight");
      assert.equal(Number(search(page).get("query")), found + 1);

      await page.click(".long-minimap", { position: { x: 10, y: 130 } });
      await settled(page);
      const there = await area(page);
      assert.ok(there[1] === 0 && there[0] > tokens / 2, `${there}`);
      await page.reload();
      await settled(page);
      assert.deepEqual(await area(page), there);
      assert.equal(await length(page), tokens);
    }),
  );

  await t.test("a trace that the engine no longer keeps is said to be gone", () =>
    withPage(browser, lab, `${kPath}&long=t00000000-7`, {}, async (page, complaints) => {
      assert.match(await page.locator(".notice").innerText(), /no longer keeps/);
      complaints.splice(complaints.findIndex((one) => /status of 404/.test(one)), 1);
    }),
  );
}

async function looksTests(t, browser, lab) {
  await t.test("the map fits at every width, light and dark", () =>
    withPage(browser, lab, kPath, { colorScheme: "light" }, async (page) => {
      await open(page, kText);
      await page.fill("#long-search", "zebra");
      await page.press("#long-search", "Enter");
      await settled(page);
      for (const theme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: theme });
        await keep(page, "long", theme);
      }
    }),
  );

  await t.test("a text too long for cards is offered as a map", () =>
    withPage(browser, lab, kPath, {}, async (page) => {
      // No model here takes more than 512 tokens whole: the engine's answer is made longer.
      await page.route("**/api/v1/traces", async (route) => {
        const answer = await route.fetch();
        const trace = await answer.json();
        await route.fulfill({ response: answer, json: { ...trace, length: 2000 } });
      }, { times: 1 });
      await page.goto(`${lab.url}/?view=model&model=${kModel}&text=Once+upon+a+time`);
      await settled(page);
      assert.equal(await page.locator("[data-token]").count(), 0);
      await page.click("#long-instead");
      await settled(page);
      assert.equal(search(page).get("view"), "long");
      assert.ok((await length(page)) < 20);
    }),
  );
}

export async function longTests(t, browser, lab) {
  await keyboardTests(t, browser, lab);
  await numbersTests(t, browser, lab);
  await mouseTests(t, browser, lab);
  await looksTests(t, browser, lab);
}

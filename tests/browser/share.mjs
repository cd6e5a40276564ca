// A view as one file: it opens from disk, asks nothing of any network, and shows the engine's numbers.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { settled, values, withPage } from "./support/browser.mjs";
import { binary, models, printed, show } from "./support/lab.mjs";

const kStory = "Once upon a time there was a little";
const kPath = `/?view=model&model=stories15M&text=${encodeURIComponent(kStory)}&layer=2&query=8&head=1&cards=all`;

/** What the page shows of one layer and token is what the command line prints. */
async function assertRows(page, layer, query) {
  const told = show("stories15M", kStory, layer, query).layers[0];
  for (const { head, row } of told.heads) assert.deepEqual(await values(page, `[data-head="${head}"] [data-key]`), row, `head ${head}`);
}

async function driveFile(page) {
  assert.equal(await page.locator(".card.chosen").getAttribute("data-head"), "1");
  await assertRows(page, 2, 8);
  await page.click('[data-layer="4"]');
  await settled(page);
  await page.click('[data-token="3"]');
  await settled(page);
  await assertRows(page, 4, 3);
  await page.click('[data-layer="2"]');
  await settled(page);
  await page.click('[data-token="8"]');
  await settled(page);
  await page.press('[data-z="1"] .head-switch', "Enter");
  await settled(page);
  const told = printed("ablate", "stories15M", kStory, 2, 8, "--heads", "2.1");
  assert.deepEqual(await values(page, "[data-layers] td"), told.layers.map((one) => one.query.difference));
  await page.click('[data-added="3"] .block-button');
  await settled(page);
  assert.equal(await page.locator("[data-block]").count(), 1);
  assert.equal(await page.locator("[data-point]").count(), 36);
  for (const light of ["readers", "norms", "weights"]) {
    await page.check(`input[name="light"][value="${light}"]`);
    await settled(page);
    assert.ok(Math.max(...(await values(page, '[data-head="1"] [data-key]'))) > 0, light);
  }
  assert.equal(await page.locator(".notice").count(), 0);
  await page.press('[data-z="2"] .head-switch', "Enter"); // two heads off at once were not recorded
  await settled(page);
  assert.match(await page.locator(".notice-text").innerText(), /not in the file/);
}

const openFile = (browser, folder, name, drive) => withPage(browser, { url: `file://${folder}` }, `/${name}`, { locale: "en-GB" }, drive);

const kOther = "Once upon a time there was a big";

const pairs = (page) => page.locator("[data-pair]").evaluateAll((found) => found.map((one) => [one.dataset.pair, one.dataset.tv]));
const grid = (page) => values(page, "[data-tv-cell]");
const predicted = (page) => values(page, "[data-both] [data-predicted] td");

async function goTo(page, layer, token) {
  await page.click(`[data-layer="${layer}"]`);
  await settled(page);
  await page.click(`[data-side="a"] [data-token="${token}"]`);
  await settled(page);
}

/** What a comparison says here and at another layer and word, to be found again in its file. */
async function told(page) {
  const [first, all, words] = [await pairs(page), await grid(page), await predicted(page)];
  await goTo(page, 4, 5);
  const there = [first, all, words, await pairs(page), await predicted(page)];
  assert.ok(there.every((part) => part.length > 0) && first.some(([, tv]) => Number(tv) > 0));
  return there;
}

async function driveComparison(page, expected) {
  assert.deepEqual(await told(page), expected);
  assert.equal(await page.locator(".notice, .side input, .side select, .suggestions, #share-html").count(), 0);
  await page.press('[data-page="model"]', "Enter");
  await settled(page);
  assert.equal(await page.locator("[data-card]").count(), 4);
}

async function comparisonTests(t, browser, lab, folder) {
  const asked = { gates: ["&gates=1.3:0;0.2:0.35", "--against-gate", "1.3=0,0.2=0.35"], text: [`&text2=${encodeURIComponent(kOther)}`, "--against", kOther] };
  for (const [name, [address, ...options]] of Object.entries(asked)) {
    await t.test(`a comparison is saved with both its sides, by the page and without a browser (${name})`, async () => {
      let expected = null;
      const path = `/?view=compare&model=stories15M&text=${encodeURIComponent(kStory)}&layer=2&query=8${address}`;
      await withPage(browser, lab, path, {}, async (page) => {
        const coming = page.waitForEvent("download");
        await page.press("#share-html", "Enter");
        const file = await coming;
        await settled(page);
        assert.equal(file.suggestedFilename(), "headlight-stories15M-2-8-compared.html");
        copyFileSync(await file.path(), join(folder, `${name}.html`));
        const size = statSync(join(folder, `${name}.html`)).size;
        assert.equal(Number(await page.getAttribute("[data-saved]", "data-saved")), size);
        assert.match(await page.locator("[data-saved]").innerText(), new RegExp(`${(size / 1e6).toFixed(1)} MB`));
        expected = await told(page);
      });
      await openFile(browser, folder, `${name}.html`, (page) => driveComparison(page, expected));
      const out = join(folder, `${name}-cli.html`);
      execFileSync(binary, ["export", "--model", join(models, "stories15M"), "--layer", "2", "--query", "8", ...options, "--out", out, kStory]);
      await openFile(browser, folder, `${name}-cli.html`, (page) => driveComparison(page, expected));
    });
  }
}

export async function shareTests(t, browser, lab) {
  const folder = mkdtempSync(join(tmpdir(), "headlight-share-"));
  try {
    await t.test("the view is saved as a file that lives on its own", async () => {
      await withPage(browser, lab, kPath, {}, async (page) => {
        const coming = page.waitForEvent("download");
        await page.press("#share-html", "Enter");
        const file = await coming;
        assert.equal(file.suggestedFilename(), "headlight-stories15M-2-8.html");
        copyFileSync(await file.path(), join(folder, "view.html"));
      });
      await openFile(browser, folder, "view.html", driveFile);
    });

    await t.test("the command line writes such a file without a browser", async () => {
      const asked = ["--model", join(models, "stories15M"), "--layer", "2", "--query", "8", "--out", join(folder, "cli.html"), kStory];
      execFileSync(binary, ["export", ...asked]);
      await openFile(browser, folder, "cli.html", async (page) => {
        await page.click("#all-cards");
        await settled(page);
        await assertRows(page, 2, 8);
      });
    });

    await comparisonTests(t, browser, lab, folder);

    await t.test("numbers go out as JSON and CSV", () =>
      withPage(browser, lab, kPath, {}, async (page) => {
        const save = async (button) => {
          const coming = page.waitForEvent("download");
          await page.click(button);
          return readFileSync(await (await coming).path(), "utf8");
        };
        const told = show("stories15M", kStory, 2, 8).layers[0];
        const json = JSON.parse(await save("#share-json"));
        assert.deepEqual(json.rows.heads.map((one) => one.row), told.heads.map((one) => one.row));
        const lines = (await save("#share-csv")).trim().split("\r\n");
        assert.deepEqual(lines.at(-1).split(",").slice(1).map(Number), told.average_of_heads);
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

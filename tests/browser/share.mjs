// A view as one file: it opens from disk, asks nothing of any network, and shows the engine's numbers.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { settled, values, withPage } from "./support/browser.mjs";
import { binary, models, printed, show } from "./support/lab.mjs";

const kStory = "Once upon a time there was a little";
const kPath = `/?view=model&model=stories15M&text=${encodeURIComponent(kStory)}&layer=2&query=8&head=1`;

/** What the page shows of one layer and token is what the command line prints. */
async function assertRows(page, layer, query) {
  const told = show("stories15M", kStory, layer, query).layers[0];
  for (const { head, row } of told.heads) assert.deepEqual(await values(page, `[data-head="${head}"] [data-key]`), row, `head ${head}`);
}

async function driveFile(page) {
  assert.equal(await page.locator(".card.pinned").getAttribute("data-head"), "1");
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
      await openFile(browser, folder, "cli.html", (page) => assertRows(page, 2, 8));
    });

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

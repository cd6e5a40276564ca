// Every view at three widths in both themes: nothing sticks out of the page, and a screenshot is kept.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withPage } from "./support/browser.mjs";

const kFolder = process.env.HEADLIGHT_SCREENSHOTS ?? join(tmpdir(), "headlight-screenshots");
const kLongText = `${"The extraordinarily-unhyphenatable-antidisestablishmentarianism road ".repeat(8)}was tired`;

const kExample = { example: "/?view=example" };
const kModels = {
  heads: "/?view=model&model=all-MiniLM-L6-v2",
  grouped: "/?view=model&model=stories260K",
  long: `/?view=model&model=all-MiniLM-L6-v2&text=${encodeURIComponent(kLongText)}`,
  switched: "/?view=model&model=stories15M&text=Once+upon+a+time&layer=2&gates=2.1:0;2.4:0.5;0.3:0",
  chinese: "/?view=model&model=stories15M&lang=zh",
};

export async function looksTests(t, browser, lab, withModels) {
  mkdirSync(kFolder, { recursive: true });
  const views = withModels ? { ...kExample, ...kModels } : kExample;
  for (const [name, path] of Object.entries(views)) {
    for (const theme of ["light", "dark"]) {
      await t.test(`${name} fits at every width: ${theme}`, () =>
        withPage(browser, lab, path, { colorScheme: theme }, (page) => keep(page, name, theme)),
      );
    }
  }
}

async function keep(page, name, theme) {
  assert.equal(await page.getAttribute("html", "data-theme"), theme);
  for (const width of [390, 1024, 1440]) {
    await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wider <= 0, `${name} at ${width}: the page is ${wider} px too wide`);
    await page.screenshot({ path: join(kFolder, `${name}-${width}-${theme}.png`), fullPage: true });
  }
}

// Every view at four widths in both themes: nothing sticks out of the page, and screenshots are kept of three.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderAll, withPage } from "./support/browser.mjs";

const kFolder = process.env.HEADLIGHT_SCREENSHOTS ?? join(tmpdir(), "headlight-screenshots");
const kLongText = `${"The extraordinarily-unhyphenatable-antidisestablishmentarianism road ".repeat(8)}was tired`;

const kExample = {
  example: "/?view=example",
  invent: "/?view=example&task=invent&hand=2.6.1-4-5-7-8.The+horse+crossed+the+road+because+it+was+tired",
  dimensions: "/?view=dimensions&dims=768.12.4.512",
  compare: "/?view=compare&model=lumen&layer=2&text2=The+animal+did+not+cross+the+road+because+it+was+wide",
  embedded: "/?embed=1&view=model&model=lumen",
};
const kModels = {
  heads: "/?view=model&model=all-MiniLM-L6-v2",
  grouped: "/?view=model&model=stories260K",
  long: `/?view=model&model=all-MiniLM-L6-v2&text=${encodeURIComponent(kLongText)}`,
  switched: "/?view=model&model=stories15M&text=Once+upon+a+time&layer=2&gates=2.1:0;2.4:0.5;0.3:0",
  walk: "/?view=model&model=all-MiniLM-L6-v2&walk=12",
  compareModels: "/?view=compare&model=all-MiniLM-L6-v2&model2=stories15M&lang=zh",
  chinese: "/?view=model&model=stories15M&lang=zh",
};

export async function looksTests(t, browser, lab, withModels) {
  const views = withModels ? { ...kExample, ...kModels } : kExample;
  for (const [name, path] of Object.entries(views)) {
    await t.test(`${name} fits at every width, light and dark`, () =>
      withPage(browser, lab, path, { colorScheme: "light" }, async (page) => {
        for (const theme of ["light", "dark"]) {
          await page.emulateMedia({ colorScheme: theme }); // the page follows: no need to open it anew
          await keep(page, name, theme);
        }
      }),
    );
  }
}

/** Holds the view to the page's width, and keeps a picture of it, at every width. */
export async function keep(page, name, theme) {
  mkdirSync(kFolder, { recursive: true });
  await page.waitForFunction((wanted) => document.documentElement.dataset.theme === wanted, theme);
  await renderAll(page);
  for (const width of [390, 1024, 1440, 2560]) {
    await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wider <= 0, `${name} at ${width}: the page is ${wider} px too wide`);
    if (width < 2560) await page.screenshot({ path: join(kFolder, `${name}-${width}-${theme}.png`), fullPage: true });
  }
}

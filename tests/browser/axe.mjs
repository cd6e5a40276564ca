// Every view through axe-core, light and dark: nothing that it calls serious or critical.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { renderAll, settled, withPage } from "./support/browser.mjs";

const kAxe = createRequire(new URL("../../web/package.json", import.meta.url)).resolve("axe-core/axe.min.js");

const kViews = {
  "by hand": "/?view=example",
  "invent two heads": "/?view=example&task=invent&hand=2.6.1-4-5-7-8.The+horse+crossed+the+road+because+it+was+tired",
  dimensions: "/?view=dimensions&dims=768.12.4.512",
  "heads switched off": "/?view=model&text=The+cat&layer=2&head=3&gates=2.1:0;2.3:0.5&glance=entropy;;sink",
  "who reads a word, in Chinese": "/?view=model&text=The+cat&lang=zh&light=readers&special=hide",
  "the walk": "/?view=model&text=The+cat&walk=12",
};
const kModels = { "shared key/value heads": "/?view=model&model=stories260K&text=Once+upon&light=norms" };

/** One of each kind: all heads' tables at once would take minutes on a busy machine. */
const kFolded = [".evidence", ".card-foot .numbers", ".glance-numbers", ".training", ".computed-by"];

/** "serious color-contrast: .thumb-share …": one line for each rule that is broken. */
async function complaints(page, rules = null) {
  const only = rules && { runOnly: { type: "rule", values: rules } };
  const { violations } = await page.evaluate((options) => globalThis.axe.run(options), { resultTypes: ["violations"], ...only });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ impact, id, nodes }) => `${impact} ${id}: ${nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`);
}

export async function axeTests(t, browser, lab, withModels) {
  const axe = readFileSync(kAxe, "utf8");
  await t.test("axe-core is at work: it finds a button without a name", () =>
    withPage(browser, lab, kViews.dimensions, {}, async (page) => {
      await page.evaluate(axe);
      await page.evaluate(() => document.querySelector("main").append(document.createElement("button")));
      assert.match((await complaints(page)).join(), /critical button-name/);
    }),
  );
  for (const [name, path] of Object.entries(withModels ? { ...kViews, ...kModels } : kViews)) {
    await t.test(`${name}: nothing serious, light or dark`, () =>
      withPage(browser, lab, path, {}, async (page) => {
        await page.evaluate((kinds) => kinds.forEach((kind) => document.querySelector(kind)?.setAttribute("open", "")), kFolded);
        await renderAll(page);
        await settled(page);
        await page.evaluate(axe);
        await page.emulateMedia({ colorScheme: "light" });
        const light = await complaints(page);
        await page.emulateMedia({ colorScheme: "dark" });
        await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
        const dark = await complaints(page, ["color-contrast"]); // only colours differ
        assert.deepEqual({ light, dark }, { light: [], dark: [] });
      }),
    );
  }
}

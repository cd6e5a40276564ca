// How fast the page is, in Chromium against the real program: node tests/browser/measure.mjs
// Prints medians; docs/performance.md says how they were taken. Nothing is asserted: figures depend on the machine.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch, settled } from "./support/browser.mjs";
import { startLab } from "./support/lab.mjs";
import { writeRandomModel } from "./support/random_model.mjs";

const kModel = { layers: 12, heads: 12, width: 768, vocabulary: 512, positions: 256 };
const kTokens = 128;
const kLoads = 9;
const kChanges = 40;

function told(name, milliseconds) {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1);
  console.log(`${name}: median ${at(0.5)} ms, 95 % within ${at(0.95)} ms, best ${sorted[0].toFixed(1)} ms (${sorted.length} times)`);
}

async function withNewPage(browser, work) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
  try {
    context.setDefaultTimeout(120_000);
    return await work(await context.newPage());
  } finally {
    await context.close();
  }
}

/** A context of its own each time: nothing is in a cache. */
async function measureLoads(browser, url) {
  const [paints, heads] = [[], []];
  for (let i = 0; i < kLoads; i++) {
    await withNewPage(browser, async (page) => {
      await page.goto(url, { waitUntil: "commit" });
      const shown = await page.evaluate(
        () =>
          new Promise((done) => {
            const look = () => (document.querySelector(".cards [data-head]") ? done(performance.now()) : requestAnimationFrame(look));
            look();
          }),
      );
      await settled(page);
      const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
      paints.push(paint);
      heads.push(shown);
    });
  }
  told("first paint", paints);
  told("all heads of the first sentence on the page", heads);
}

/** Clicks a token; resolves once every card, the average's too, shows its row and that frame is painted. Runs in the page. */
function changeQuery(index) {
  const cards = () => [...document.querySelectorAll(".cards [data-head], [data-average]")];
  const isDrawn = () => cards().every((card) => card.querySelector(".is-query")?.dataset.key === String(index));
  performance.clearResourceTimings();
  performance.mark("query");
  document.querySelector(`[data-token="${index}"]`).click();
  return new Promise((done) => {
    const painted = () => {
      performance.mark("painted");
      const asked = performance.getEntriesByType("resource").find((entry) => entry.name.includes("/rows?"));
      const [whole, engine] = [performance.measure("repaint", "query", "painted").duration, asked ? asked.responseEnd - asked.startTime : 0];
      done({ whole, engine, cards: cards().length - 1 });
    };
    const seen = new MutationObserver(() => {
      if (!isDrawn()) return;
      seen.disconnect();
      requestAnimationFrame(() => {
        const afterPaint = new MessageChannel();
        afterPaint.port1.onmessage = painted;
        afterPaint.port2.postMessage(null);
      });
    });
    seen.observe(document.querySelector(".bench"), { subtree: true, childList: true, attributes: true, characterData: true });
  });
}

async function measureChanges(browser, url, shown) {
  const ids = Array.from({ length: kTokens }, (_, i) => (i * 37) % kModel.vocabulary).join(" ");
  await withNewPage(browser, async (page) => {
    await page.goto(`${url}/?view=model&model=random&text=${encodeURIComponent(ids)}&layer=6&query=1${shown}`);
    await settled(page);
    const found = [];
    for (let i = 0; i < kChanges; i++) {
      found.push(await page.evaluate(changeQuery, 2 + ((i * 29) % (kTokens - 2))));
      await settled(page);
    }
    const later = found.slice(5); // the first ones compile the page's code
    told(`query change, ${later[0].cards} cards painted`, later.map((one) => one.whole));
    told("  of which the engine's answer", later.map((one) => one.engine));
  });
}

const folder = mkdtempSync(join(tmpdir(), "headlight-measure-"));
writeRandomModel(join(folder, "random"), kModel);
const [plain, large, browser] = [await startLab(), await startLab("--model", join(folder, "random")), await launch()];
try {
  await measureChanges(browser, large.url, "&cards=all");
  await measureChanges(browser, large.url, "");
  await measureLoads(browser, plain.url);
} finally {
  await browser.close();
  await Promise.all([plain.stop(), large.stop()]);
  rmSync(folder, { recursive: true, force: true });
}

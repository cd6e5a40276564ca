// A small model is trained while the page watches: started, seen to go on, scrubbed, joined by a second page, stopped.
import assert from "node:assert/strict";
import { settled, withPage } from "./support/browser.mjs";

const kOpen = "/?view=model&model=lumen";

async function opened(page) {
  await page.press(".training summary", "Enter");
  await page.waitForSelector("#live-train");
}

const snapshots = (page, least) => page.waitForFunction((count) => Number(document.querySelector("#live-at")?.max ?? -1) >= count, least);
const phase = (page, wanted) => page.waitForSelector(`.live[data-phase="${wanted}"]`);

/** A training that two pages can open beside, on a slow machine, before it is done. */
const lengthened = (route) =>
  route.continue(route.request().method() === "POST" ? { postData: JSON.stringify({ ...route.request().postDataJSON(), steps: 3000 }) } : {});

export async function liveTests(t, browser, lab) {
  await t.test("a training is started, watched, scrubbed and stopped by keyboard", () =>
    withPage(browser, lab, kOpen, {}, async (page) => {
      await opened(page);
      await page.selectOption("#live-heads", "2");
      await page.press("#live-train", "Enter");
      await snapshots(page, 1);
      assert.equal(await page.locator("#live-train").isDisabled(), true, "one at a time");
      const rows = page.locator(".live-rows tbody tr");
      assert.equal(await rows.count(), 4, "two layers of two heads");
      for (const weights of await rows.evaluateAll((all) => all.map((row) => [...row.querySelectorAll("td")].map((cell) => Number(cell.dataset.weight))))) {
        const sum = weights.reduce((a, b) => a + b);
        assert.ok(Math.abs(sum - 1) < 0.15, `a row of weights, each kept in one character: ${sum}`);
      }
      const step = () => page.getAttribute(".live-progress", "data-step").then(Number);
      const before = await step();
      await page.waitForFunction((seen) => Number(document.querySelector(".live-progress")?.dataset.step) > seen, before);
      await page.press("#live-at", "Home");
      assert.equal(await page.getAttribute("#live-at", "data-snapshot"), "1", "the first moment stays while more come");
      await page.press("#live-stop", "Enter");
      await phase(page, "ended");
      await settled(page);
      assert.equal(await page.getAttribute(".live-outcome", "data-outcome"), "stopped");
      assert.equal(await page.locator("#live-stop").count(), 0);
      assert.match(await page.locator('.live [role="status"]').innerText(), /\d/);
    }),
  );

  await t.test("another word and another sentence are looked from", () =>
    withPage(browser, lab, kOpen, {}, async (page) => {
      await opened(page);
      await page.click("#live-train");
      await snapshots(page, 0);
      await page.selectOption("#live-sentence", { label: "The black cat sat on the mat." });
      const words = page.locator(".live-rows thead button");
      assert.equal(await page.locator('.live-rows thead [aria-pressed="true"]').innerText(), "sat");
      await words.nth(2).focus();
      await page.keyboard.press("Enter");
      assert.equal(await page.getAttribute(".live-rows", "data-query"), "2");
      const relation = page.locator('[data-relation="en.tense"]');
      const wide = page.viewportSize();
      await page.setViewportSize({ width: 390, height: 844 });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(over <= 0, `at 390 the page is ${over} px too wide`);
      await page.setViewportSize(wide);
      await relation.locator("button").click();
      assert.equal(await relation.locator("button").getAttribute("aria-pressed"), "true");
      await page.click("#live-stop");
      await phase(page, "ended");
    }),
  );

  await t.test("a second page is told, may watch, and leaves without ending it", () =>
    withPage(browser, lab, kOpen, {}, async (page) => {
      await opened(page);
      await page.route("**/api/v1/trainings", lengthened);
      await page.click("#live-train");
      await snapshots(page, 0);
      await withPage(browser, lab, `${kOpen}&lang=zh`, { viewport: { width: 1024, height: 900 } }, async (other, complaints) => {
        await opened(other);
        await other.click("#live-train");
        await other.click("#live-watch");
        await snapshots(other, 0);
        await other.click("#live-stop");
        assert.equal(await other.locator("#live-stop").count(), 0);
        assert.equal(complaints.splice(0).filter((one) => !one.includes("429")).length, 0, "the browser reports the refusal itself");
      });
      assert.equal(await page.locator("#live-stop").count(), 1, "the training goes on");
      await page.click("#live-stop");
      await phase(page, "ended");
    }),
  );
}

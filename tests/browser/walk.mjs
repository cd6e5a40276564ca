// The walk: every step by keyboard, the page moving along, the checks, and a done state.
import assert from "node:assert/strict";
import { search, settled, values, withPage } from "./support/browser.mjs";

const kBert = "/?view=model&model=all-MiniLM-L6-v2";
const kLast = 12;

const step = (page) => page.getAttribute(".walk", "data-step");

async function press(page, key) {
  await page.keyboard.press(key);
  await settled(page);
}

/** The part that the step is about stands in the upper part of the window, clear of the panel. */
async function assertInSight(page, selector) {
  const box = await page.locator(selector).first().boundingBox();
  assert.ok(box && box.y >= -1 && box.y < 450, `${selector} is at ${box?.y}`);
}

async function tellingTests(t, browser, lab) {
  await t.test("the walk goes through all its steps by keyboard, and moves the page along", () =>
    withPage(browser, lab, kBert, {}, async (page) => {
      await page.press("#walk", "Enter");
      await settled(page);
      assert.equal(await step(page), "one");
      assert.equal(search(page).get("scenario"), "tired");
      const found = await page.getAttribute("[data-finding]", "data-finding");
      const [layer, head] = found.split(".");
      const seen = ["one"];
      const sights = { parallel: ".cards", specialise: ".blend", concat: ".z-parts", project: ".added", switch: "[data-loss]" };
      for (let number = 2; number <= kLast; number++) {
        await press(page, "ArrowRight");
        const now = await step(page);
        seen.push(now);
        assert.equal(search(page).get("walk"), String(number));
        if (sights[now]) await assertInSight(page, sights[now]);
        if (now === "values") assert.match(await page.getAttribute(`[data-z="${head}"] .z-strip`, "aria-valuetext"), /component 0/);
        assert.equal(search(page).get("gates"), now === "switch" ? `${layer}.${head}:0` : null, now);
      }
      assert.equal(new Set(seen).size, kLast);
      await press(page, "ArrowLeft");
      assert.equal(await step(page), "rule");
      await page.reload();
      await settled(page);
      assert.equal(await step(page), "rule");
      await page.focus(".walk");
      await press(page, "Escape");
      assert.equal(await page.locator(".walk").count(), 0);
      assert.equal(search(page).get("walk"), null);
    }),
  );
}

async function checkTests(t, browser, lab) {
  await t.test("trap, rule and quiz explain every answer; all right is done", () =>
    withPage(browser, lab, `${kBert}&walk=10&layer=2`, {}, async (page) => {
      const verdict = (name) => page.getAttribute(`[data-question="${name}"]`, "data-verdict");
      const explanation = (name) => page.locator(`[data-question="${name}"] .verdict`).innerText();
      const choose = async (name, option) => {
        await page.check(`[data-question="${name}"] input[value="${option}"]`);
        await settled(page);
      };
      const explained = new Set();
      for (const option of ["a", "c", "b"]) {
        await choose("copies", option);
        explained.add(await explanation("copies"));
      }
      const [, , jsd] = await values(page, ".blend-numbers b");
      assert.ok((await explanation("copies")).includes(jsd.toFixed(2)), "the page's own divergence");
      assert.equal(await verdict("copies"), "true");

      await page.click("#walk-next");
      await settled(page);
      assert.equal(await page.getAttribute(".rule", "data-rule"), "false");
      const down = async (part) => {
        await page.press(`[data-part="${part}"] button:last-child`, "Enter");
        await settled(page);
      };
      for (const part of ["concat", "blend", "concat"]) await down(part);
      assert.equal(await page.getAttribute(".rule", "data-rule"), "true");

      await page.click("#walk-next");
      await settled(page);
      for (const name of ["wide", "reads", "joins", "mixes", "proof"]) {
        for (const option of ["a", "b", "c"]) {
          await choose(name, option);
          explained.add(await explanation(name));
        }
        if ((await verdict(name)) === "true") continue;
        for (const option of ["a", "b"]) {
          await choose(name, option);
          if ((await verdict(name)) === "true") break;
        }
        assert.equal(await verdict(name), "true", name);
      }
      assert.equal(explained.size, 18, "each answer has an explanation of its own");
      assert.equal(await page.getAttribute("[data-score]", "data-score"), "7/7");
      assert.match(await page.getAttribute("[data-score]", "class"), /done/);
      await page.click("#walk-finish");
      await settled(page);
      assert.equal(await page.locator(".walk").count(), 0);
    }),
  );

  await t.test("the walk speaks Chinese, and begins with a Chinese sentence", () =>
    withPage(browser, lab, `${kBert}&lang=zh`, {}, async (page) => {
      await page.click("#walk");
      await settled(page);
      assert.equal(search(page).get("scenario"), "blocks");
      assert.match(await page.locator("#walk-title").innerText(), /一个头/);
    }),
  );
}

export async function walkTests(t, browser, lab) {
  await tellingTests(t, browser, lab);
  await checkTests(t, browser, lab);
}

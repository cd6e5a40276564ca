// The page in another page's frame: pages of this machine may hold it, others may not.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { search, settled, withPage } from "./support/browser.mjs";

const kView = "/?embed=1&view=model&model=lumen&layer=1&query=3";

/** A page of somebody else's with the lab in a frame, on another port. */
async function withHolder(address, source, work) {
  const server = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(`<!doctype html><title>lesson</title><link rel="icon" href="data:,"><iframe src="${source}" width="1000" height="800"></iframe>`);
  });
  await new Promise((listening) => server.listen(0, address, listening));
  try {
    await work(`http://${address}:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
}

/** The frame's lab as the holder shows it, with what the console said. */
async function held(browser, url, look) {
  const context = await browser.newContext({ locale: "en-GB" });
  try {
    const page = await context.newPage();
    const said = [];
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    await page.goto(url);
    await look(page.frames()[1], said);
  } finally {
    await context.close();
  }
}

export async function embedTests(t, browser, lab) {
  await t.test("a page of this machine shows the view in a frame, and it can be used there", () =>
    withHolder("127.0.0.1", lab.url + kView, (url) =>
      held(browser, url, async (frame, said) => {
        await frame.waitForFunction(() => window.__headlightIdle === true && document.querySelector(".cards [data-head]"), null, { timeout: 120_000 });
        assert.equal(await frame.locator(".header, .footer, #sentence, section.share").count(), 0);
        await frame.locator('[data-token="5"]').click({ timeout: 120_000 });
        await frame.waitForFunction(() => document.querySelector('.cards [data-key="5"].is-query'), null, { timeout: 120_000 });
        const whole = await frame.getAttribute("#embed-open", "href");
        assert.equal(new URLSearchParams(whole.slice(2)).get("query"), "5");
        assert.equal(new URLSearchParams(whole.slice(2)).get("embed"), null);
        assert.deepEqual(said, []);
      }),
    ),
  );

  await t.test("a page from elsewhere may not", () =>
    withHolder("127.0.0.2", lab.url + kView, (url) =>
      held(browser, url, async (frame, said) => {
        await frame.waitForLoadState("load", { timeout: 120_000 });
        assert.equal(await frame.locator(".cards").count(), 0);
        assert.ok(said.some((one) => one.includes("frame-ancestors")), said.join("\n"));
      }),
    ),
  );

  await t.test("the HTML for a frame names this view", () =>
    withPage(browser, lab, "/?view=model&model=lumen&layer=2&query=4", {}, async (page) => {
      await page.press(".embed-code summary", "Enter");
      const html = await page.inputValue("#embed-html");
      const source = /src="([^"]*)"/.exec(html)[1].replace(/&amp;/g, "&");
      await page.goto(source);
      await settled(page);
      assert.equal(search(page).get("layer"), "2");
      assert.equal(await page.locator(".header").count(), 0);
      assert.equal(await page.locator('[data-token="4"]').getAttribute("aria-checked"), "true");
    }),
  );
}

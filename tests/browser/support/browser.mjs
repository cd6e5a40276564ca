// Chromium through playwright-core, which is installed with the page's own packages.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

export function playwright() {
  try {
    return createRequire(new URL("../../../web/package.json", import.meta.url))("playwright-core");
  } catch {
    return null;
  }
}

export function chromiumPath() {
  const places = [process.env.HEADLIGHT_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  return places.find((path) => path && existsSync(path)) ?? null;
}

const kArguments = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-dev-shm-usage",
  "--disable-sync",
  "--no-first-run",
];

export function launch() {
  return playwright().chromium.launch({ executablePath: chromiumPath(), args: kArguments });
}

/** Waits until nothing is under way and the frame is painted: the page says so itself. */
export async function settled(page) {
  await page.waitForFunction(() => window.__headlightIdle === true);
}

/**
 * Opens the page in a context of its own, runs `drive`, and then holds the page to silence: no error on
 * the console, no exception, no request to anything but the lab.
 */
export async function withPage(browser, lab, path, options, drive) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB", ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${lab.url}/`)) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(lab.url + path);
  await settled(page);
  await drive(page, complaints);
  assert.deepEqual(complaints, []);
  await context.close();
}

/** The numbers in `data-value` of everything that the selector finds, in page order. */
export function values(page, selector) {
  return page.locator(selector).evaluateAll((found) => found.map((one) => Number(one.dataset.value)));
}

/** The same as text, for exact numbers. */
export function exactValues(page, selector) {
  return page.locator(selector).evaluateAll((found) => found.map((one) => one.dataset.value));
}

export function search(page) {
  return new URLSearchParams(new URL(page.url()).search);
}

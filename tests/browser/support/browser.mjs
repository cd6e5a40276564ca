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
  // The headless shell draws the same pages without a desktop around them, at a fraction of the work.
  const places = [process.env.HEADLIGHT_CHROMIUM, "/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  return places.find((path) => path && existsSync(path)) ?? null;
}

const kArguments = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-dev-shm-usage",
  "--disable-gpu", // its emulation in software takes most of the processor
  "--disable-sync",
  "--no-first-run",
];

/** For one step, on a machine that is busy with other things. */
const kPatience = 120_000;

export function launch() {
  return playwright().chromium.launch({ executablePath: chromiumPath(), args: kArguments });
}

/** Waits until nothing is under way and the frame is painted: the page says so itself. */
export async function settled(page) {
  await page.waitForFunction(() => window.__headlightIdle === true);
}

/** Has what is far out of sight laid out, too: for looking at the whole page. */
export function renderAll(page) {
  return page.evaluate(() => {
    for (const section of document.querySelectorAll(".below > section")) section.style.contentVisibility = "visible";
  });
}

const kHere = { viewport: { width: 1440, height: 900 }, locale: "en-GB" };

/** The page that tests without options of their own share: a context means new processes, each time. */
let shared = null;

async function openPage(browser, options) {
  const context = await browser.newContext({ ...kHere, ...options });
  context.setDefaultTimeout(kPatience);
  return context.newPage();
}

/** The shared page as a new one would be. What the lab keeps of a visit is in its address. */
async function sharedPage(browser) {
  shared ??= await openPage(browser, {});
  await shared.setViewportSize(kHere.viewport);
  await shared.emulateMedia({ colorScheme: null });
  await shared.mouse.move(0, 0);
  return shared;
}

async function closePage(page) {
  if (page === shared) shared = null;
  await page.context().close(); // one that is left open goes on working, and slows down the next
}

/** Hears what a page complains of while `drive` runs. */
async function listening(page, lab, drive) {
  const complaints = [];
  const listeners = {
    console: (message) => ["error", "warning"].includes(message.type()) && complaints.push(`${message.type()}: ${message.text()}`),
    pageerror: (error) => complaints.push(`exception: ${error.message}`),
    request: (request) => request.url().startsWith(`${lab.url}/`) || complaints.push(`request to ${request.url()}`),
  };
  for (const [event, listener] of Object.entries(listeners)) page.on(event, listener);
  await drive(complaints);
  assert.deepEqual(complaints, []);
  for (const [event, listener] of Object.entries(listeners)) page.off(event, listener);
  await page.unrouteAll();
}

/**
 * Opens the page, in a context of its own where there are options for one, runs `drive`, and then holds the
 * page to silence: no error on the console, no exception, no request to anything but the lab.
 */
export async function withPage(browser, lab, path, options, drive) {
  const own = Object.keys(options).length > 0;
  const page = own ? await openPage(browser, options) : await sharedPage(browser);
  let passed = false;
  try {
    await listening(page, lab, async (complaints) => {
      await page.goto(lab.url + path);
      await settled(page);
      await drive(page, complaints);
    });
    passed = true;
  } finally {
    if (own || !passed) await closePage(page);
  }
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

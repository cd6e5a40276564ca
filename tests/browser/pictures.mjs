// Pictures that are saved look as the page does, light and dark, and need nothing but themselves.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { settled, withPage } from "./support/browser.mjs";

const kModel = "/?view=model&model=lumen&layer=1&cards=all";
const kCompare = "/?view=compare&model=lumen&layer=2&text2=The+animal+did+not+cross+the+road+because+it+was+wide";
const kPictures = [
  { path: kModel, of: '.card[data-head="1"]', words: "[data-key]" },
  { path: kModel, of: ".blend", words: ".blend-word" },
  { path: kModel, of: ".overview", words: "h2" },
  { path: kCompare, of: ".differences", words: "tbody .card-name" },
];

async function save(page, of, kind, open) {
  const coming = page.waitForEvent("download");
  await open(page.locator(`${of} .save-picture summary`).first());
  await open(page.locator(`${of} [data-save="${kind}"]`).first());
  const file = await coming;
  await settled(page);
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

const byMouse = (one) => one.click();
const byKeyboard = (one) => one.press("Enter");

/** The mean difference of two pictures' channels where both are, of 255; `picture` begins `margin` further out. Runs in the page. */
async function difference([screenshot, picture, margin]) {
  const load = async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    return image;
  };
  const [seen, drawn] = [await load(screenshot), await load(picture)];
  const pixels = (image, shift) => {
    const canvas = document.createElement("canvas");
    // A picture is no wider than what is drawn, and ends with a line that the page does not have.
    canvas.width = Math.min(seen.naturalWidth, drawn.naturalWidth - 2 * margin);
    canvas.height = Math.min(seen.naturalHeight, drawn.naturalHeight - 4 * margin);
    const context = canvas.getContext("2d");
    context.drawImage(image, shift, shift);
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  };
  const [a, b] = [pixels(seen, 0), pixels(drawn, -margin)];
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum / a.length;
}

const dataUrl = (type, bytes) => `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;

/** Nothing that a program without the page could not resolve. */
function assertAlone(svg, what) {
  assert.doesNotMatch(svg, /var\(|class=| style=|<style|<script|foreignObject|color-mix|oklch|NaN|undefined/, what);
  const addresses = [...svg.matchAll(/(?:href|src)="([^"]{0,40})/g)].map((match) => match[1]);
  assert.deepEqual(addresses.filter((one) => !one.startsWith("data:image/png")), [], what);
}

async function assertPicture(page, { of, words }, theme) {
  const what = `${of}, ${theme}`;
  const { name, bytes } = await save(page, of, "svg", theme === "light" ? byMouse : byKeyboard);
  const svg = bytes.toString("utf8");
  assert.match(name, /^headlight-lumen-\d+-\d+-[\w-]+\.svg$/);
  assertAlone(svg, what);
  const texts = await page.evaluate((source) => {
    const parsed = new DOMParser().parseFromString(source, "image/svg+xml");
    return parsed.querySelector("parsererror") ? null : [...parsed.querySelectorAll("text")].map((one) => one.textContent);
  }, svg);
  assert.ok(texts, `${what} is not XML`);
  for (const word of await page.locator(`${of} ${words}`).allInnerTexts()) assert.ok(texts.join(" ").includes(word.trim().split("\n")[0]), `${what}: no "${word}"`);

  await page.mouse.move(0, 0);
  await page.evaluate(() => document.activeElement?.blur());
  await settled(page);
  const screenshot = dataUrl("image/png", await page.locator(of).screenshot());
  const apart = await page.evaluate(difference, [screenshot, dataUrl("image/svg+xml", bytes), 12]);
  assert.ok(apart < 10, `${what}: ${apart.toFixed(2)} of 255 from what is on the page`);

  const png = await save(page, of, "png", byMouse);
  const [width, height] = [png.bytes.readUInt32BE(16), png.bytes.readUInt32BE(20)];
  const [, svgWidth, svgHeight] = /width="(\d+)" height="(\d+)"/.exec(svg).map(Number);
  assert.deepEqual([width, height], [2 * svgWidth, 2 * svgHeight], what);
  return { screenshot, svg: dataUrl("image/svg+xml", bytes) };
}

export async function picturesTests(t, browser, lab) {
  for (const path of [kModel, kCompare]) {
    await t.test(`pictures of ${path.split("&")[0].slice(2)} look as on the page, light and dark`, () =>
      withPage(browser, lab, path, { colorScheme: "light", locale: "en-GB" }, async (page) => {
        for (const picture of kPictures.filter((one) => one.path === path)) {
          await page.emulateMedia({ colorScheme: "light" });
          await settled(page);
          const light = await assertPicture(page, picture, "light");
          await page.emulateMedia({ colorScheme: "dark" });
          await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
          const dark = await assertPicture(page, picture, "dark");
          const wrong = await page.evaluate(difference, [dark.screenshot, light.svg, 12]);
          assert.ok(wrong > 30, `${picture.of}: the light picture passes for the dark one (${wrong.toFixed(2)})`);
        }
      }),
    );
  }

  await t.test("the menu opens and closes by keyboard, and Escape leads back", () =>
    withPage(browser, lab, kModel, {}, async (page) => {
      const summary = page.locator('.card[data-head="0"] .save-picture summary');
      await summary.press("Enter");
      await page.waitForSelector('.card[data-head="0"] [data-save]');
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.dataset.save), "svg");
      await page.keyboard.press("Escape");
      await page.waitForSelector('.card[data-head="0"] [data-save]', { state: "detached" });
      assert.ok(await summary.evaluate((one) => one === document.activeElement));
    }),
  );
}

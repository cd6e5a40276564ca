// One lab and one Chromium for all of it; the parts follow each other.
import { test } from "node:test";
import { concatTests } from "./concat.mjs";
import { exampleTests } from "./example.mjs";
import { headsTests } from "./heads.mjs";
import { looksTests } from "./looks.mjs";
import { launch } from "./support/browser.mjs";
import { models, startLab } from "./support/lab.mjs";

test("the lab page", async (t) => {
  const lab = await startLab();
  const browser = await launch();
  try {
    await exampleTests(t, browser, lab);
    if (models) await headsTests(t, browser, lab);
    if (models) await concatTests(t, browser, lab);
    else t.diagnostic("the shared models are absent: only the worked example was driven");
    await looksTests(t, browser, lab, models !== null);
  } finally {
    await browser.close();
    await lab.stop();
  }
});

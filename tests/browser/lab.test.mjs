// One lab and one Chromium for all of it; the parts follow each other.
import { test } from "node:test";
import { axeTests } from "./axe.mjs";
import { compareTests } from "./compare.mjs";
import { concatTests } from "./concat.mjs";
import { dimensionsTests } from "./dimensions.mjs";
import { embedTests } from "./embed.mjs";
import { evidenceTests } from "./evidence.mjs";
import { exampleTests } from "./example.mjs";
import { glanceTests } from "./glance.mjs";
import { handTests } from "./hand.mjs";
import { headsTests } from "./heads.mjs";
import { liveTests } from "./live.mjs";
import { longTests } from "./long.mjs";
import { looksTests } from "./looks.mjs";
import { picturesTests } from "./pictures.mjs";
import { pinsTests } from "./pins.mjs";
import { scenarioTests } from "./scenarios.mjs";
import { shareTests } from "./share.mjs";
import { twinTests } from "./twin.mjs";
import { walkTests } from "./walk.mjs";
import { launch } from "./support/browser.mjs";
import { models, startLab } from "./support/lab.mjs";

/** ctest runs one part after the other, each by its name; without one, all. */
const wanted = (part) => !process.env.HEADLIGHT_LAB_PART || part.name === `${process.env.HEADLIGHT_LAB_PART}Tests`;

test("the lab page", async (t) => {
  const lab = await startLab();
  const browser = await launch();
  try {
    for (const part of [exampleTests, handTests, dimensionsTests, liveTests, picturesTests, embedTests, twinTests]) if (wanted(part)) await part(t, browser, lab);
    for (const part of models ? [headsTests, pinsTests, glanceTests, scenarioTests, concatTests, walkTests, evidenceTests, longTests, shareTests, compareTests] : []) if (wanted(part)) await part(t, browser, lab);
    if (!models) t.diagnostic("the shared models are absent: only the worked example was driven");
    if (wanted(axeTests)) await axeTests(t, browser, lab, models !== null);
    if (wanted(looksTests)) await looksTests(t, browser, lab, models !== null);
  } finally {
    await browser.close();
    await lab.stop();
  }
});

// Drives the lab page of the real binary in Chromium. Exit code 77: skipped, with the reason printed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromiumPath, playwright } from "./support/browser.mjs";
import { binary } from "./support/lab.mjs";

function missing() {
  if (!existsSync(binary)) return `${binary} is not built`;
  if (!chromiumPath()) return "no Chromium (Debian package: chromium)";
  if (!playwright()) return "playwright-core is not installed (npm ci in web/)";
  return null;
}

const reason = missing();
if (reason) {
  console.log(`skipped: ${reason}`);
  process.exit(77);
}
const here = dirname(fileURLToPath(import.meta.url));
const run = spawnSync(process.execPath, ["--test", join(here, "lab.test.mjs")], { stdio: "inherit" });
process.exit(run.status ?? 1);

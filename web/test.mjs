// Bundles every src/**/*.test.ts into one file and runs it with Node's own test runner.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const source = join(dirname(fileURLToPath(import.meta.url)), "src");

async function testFiles(folder) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await testFiles(path)));
    else if (entry.name.endsWith(".test.ts")) found.push(path);
  }
  return found.sort();
}

const out = await mkdtemp(join(tmpdir(), "headlight-web-test-"));
const entries = await testFiles(source);
const file = join(out, "all.test.mjs");
await build({
  // One process for all of them: a process for each file took most of the time.
  stdin: { contents: entries.map((path) => `import ${JSON.stringify(path)};`).join("\n"), resolveDir: source },
  outfile: file,
  sourcemap: "inline",
  bundle: true,
  platform: "node",
  format: "esm",
  logLevel: "warning",
});
const run = spawnSync(process.execPath, ["--enable-source-maps", "--test", file], { stdio: "inherit" });
await rm(out, { recursive: true, force: true });
process.exit(run.status ?? 1);

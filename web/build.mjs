// Bundles the page into $HEADLIGHT_WEB_OUT (default: dist/): index.html, app.js, app.css, favicon.svg.
import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkSize } from "./size.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.env.HEADLIGHT_WEB_OUT ?? join(here, "dist");

await mkdir(out, { recursive: true });
await build({
  entryPoints: { app: join(here, "src/main.tsx") },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
});
for (const file of ["index.html", "favicon.svg"]) {
  await copyFile(join(here, "src", file), join(out, file));
}
await checkSize(out);

// The program under test: `headlight lab` on a free port, and `headlight show --json` to compare with.
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const source = process.env.HEADLIGHT_SOURCE ?? resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
export const binary = process.env.HEADLIGHT_BINARY ?? join(source, "build/release/headlight");

const shared = process.env.HEADLIGHT_SHARED ?? join(source, "../shared");
/** Folder of the shared models, null where they are absent. */
export const models = existsSync(join(shared, "models")) ? resolve(shared, "models") : null;

const kStartLimit = 60_000;

/** Starts the lab over the shared models; resolves with its address once it prints one. */
export const startLab = (...more) => startLabOver(models ?? "/nonexistent", ...more);

/** The same over another folder of models. */
export async function startLabOver(folder, ...more) {
  const env = { ...process.env, HEADLIGHT_MODELS: folder, HEADLIGHT_SHARED: "/nonexistent" };
  const child = spawn(binary, ["lab", "--port", "0", ...more], { env, cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  const url = await new Promise((found, failed) => {
    const limit = setTimeout(() => failed(new Error(`no address within ${kStartLimit} ms: ${printed}`)), kStartLimit);
    const read = (chunk) => {
      printed += chunk;
      const match = /http:\/\/127\.0\.0\.1:\d+/.exec(printed);
      if (match) found(match[0]);
      if (match) clearTimeout(limit);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", (code) => failed(new Error(`the lab ended with ${code}: ${printed}`)));
  });
  return {
    url,
    stop: () =>
      new Promise((stopped) => {
        child.removeAllListeners("exit");
        child.once("exit", stopped);
        child.kill("SIGTERM");
      }),
  };
}

/** What a command prints of a layer and a query token with --json; `model` is a shared one or a path, `input` a text or ids. */
export function printed(command, model, input, layer, query, ...more) {
  const args = [command, "--json", "--model", resolve(models ?? "/", model), "--layer", String(layer), "--query", String(query), ...more];
  args.push(...(Array.isArray(input) ? ["--ids", input.join(",")] : [input]));
  return JSON.parse(execFileSync(binary, args, { encoding: "utf8", maxBuffer: 1 << 26 }));
}

/** What the command line says of one query's row in every head of a layer. */
export const show = (...asked) => printed("show", ...asked);

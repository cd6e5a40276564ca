// What a browser has to fetch before the page shows, compressed as most servers would.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const kMostBytes = 300 * 1024;

/** Prints the size of the folder's files; throws when they are larger than a page should be. */
export async function checkSize(folder) {
  let total = 0;
  for (const file of await readdir(folder)) total += gzipSync(await readFile(join(folder, file)), { level: 9 }).length;
  const said = `the page is ${(total / 1024).toFixed(1)} KiB compressed; at most ${kMostBytes / 1024} KiB`;
  if (total > kMostBytes) throw new Error(said);
  console.log(said);
}

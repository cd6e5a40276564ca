// The one place where the address is read and written.
import { computed, signal } from "@preact/signals";
import { snapshot } from "../api/snapshot.ts";
import { touchWork } from "./idle.ts";
import { formatUrl, parseUrl, type UrlState } from "./url.ts";

/** A file opens with the view that it was saved with, in a frame too ("view.html?embed"). */
function search(): string {
  const [own, saved] = [location.search, snapshot?.search ?? ""];
  if (/^\?embed(=1)?$/.test(own)) return `${saved || "?"}&embed=1`;
  return own || saved;
}

export const address = signal<UrlState>(parseUrl(search()));

window.addEventListener("popstate", () => {
  touchWork();
  address.value = parseUrl(search());
});

/** Changes part of the state. `push` makes it a step that the back button undoes. */
export function navigate(change: Partial<UrlState>, how: "push" | "replace"): void {
  touchWork();
  const next = { ...address.value, ...change };
  address.value = next;
  writeAddress(location.pathname + formatUrl(next), how);
}

function writeAddress(path: string, how: "push" | "replace"): void {
  try {
    if (how === "push" && path !== location.pathname + location.search) history.pushState(null, "", path);
    else history.replaceState(null, "", path);
  } catch {
    // Safari refuses more than 100 changes in 10 s (a key held down): the page goes on, the address follows
    // with the next change.
  }
}

/** A part of the address that notifies only when it changes itself. */
export function part<K extends keyof UrlState>(key: K) {
  return computed(() => address.value[key]);
}

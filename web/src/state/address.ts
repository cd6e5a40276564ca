// The one place where the address is read and written.
import { computed, signal } from "@preact/signals";
import { touchWork } from "./idle.ts";
import { formatUrl, parseUrl, type UrlState } from "./url.ts";

export const address = signal<UrlState>(parseUrl(location.search));

window.addEventListener("popstate", () => {
  touchWork();
  address.value = parseUrl(location.search);
});

/** Changes part of the state. `push` makes it a step that the back button undoes. */
export function navigate(change: Partial<UrlState>, how: "push" | "replace"): void {
  touchWork();
  const next = { ...address.value, ...change };
  const path = location.pathname + formatUrl(next);
  if (how === "push" && path !== location.pathname + location.search) history.pushState(null, "", path);
  else history.replaceState(null, "", path);
  address.value = next;
}

/** A part of the address that notifies only when it changes itself. */
export function part<K extends keyof UrlState>(key: K) {
  return computed(() => address.value[key]);
}

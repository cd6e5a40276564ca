// Language and theme: from the address, else from the browser.
import { computed, effect, signal } from "@preact/signals";
import { part } from "./address.ts";
import type { Language, Theme } from "./url.ts";

const chosenLanguage = part("language");
const chosenTheme = part("theme");
export const embedded = part("embed");

const darkQuery = matchMedia("(prefers-color-scheme: dark)");
const systemTheme = signal<Theme>(darkQuery.matches ? "dark" : "light");
darkQuery.addEventListener("change", () => (systemTheme.value = darkQuery.matches ? "dark" : "light"));

export const theme = computed<Theme>(() => chosenTheme.value ?? systemTheme.value);

export const language = computed<Language>(
  () => chosenLanguage.value ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en"),
);

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
  document.documentElement.lang = language.value === "zh" ? "zh-Hans" : "en";
});

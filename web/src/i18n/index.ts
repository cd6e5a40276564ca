// t("key", {name: "text"}) for plain text, rich("key", {name: node}) where a part is an element.
import type { ComponentChildren } from "preact";
import { language } from "../state/preferences.ts";
import { en, type Catalogue, type Key } from "./en.ts";
import { zh } from "./zh.ts";

const kCatalogues: Record<"en" | "zh", Catalogue> = { en, zh };

export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return kCatalogues[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole,
  );
}

export function rich(key: Key, parts: Readonly<Record<string, ComponentChildren>>): ComponentChildren[] {
  return kCatalogues[language.value][key]
    .split(/(\{\w+\})/)
    .map((piece) => (piece.startsWith("{") ? (parts[piece.slice(1, -1)] ?? piece) : piece));
}

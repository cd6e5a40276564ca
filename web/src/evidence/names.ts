// Relations by the names that readers know.
import type { Key } from "../i18n/en.ts";
import { t } from "../i18n/index.ts";

interface Named {
  readonly language: "en" | "zh";
  readonly relation: string;
}

const kNames: Readonly<Record<string, Key>> = {
  coreference: "named_coreference",
  attribute: "named_attribute",
  "subject-verb": "named_subject_verb",
  "verb-object": "named_verb_object",
  "verb-place": "named_verb_place",
  negation: "named_negation",
  tense: "named_tense",
  collocation: "named_collocation",
  "indirect-object": "named_indirect_object",
  reference: "named_reference",
};

/** Without its language: in all of them. */
export function relationWord(relation: string): string {
  const key = kNames[relation];
  return key ? t(key) : relation;
}

/** "coreference (en)"; a relation that the page does not know keeps its own name. */
export function relationName({ language, relation }: Named): string {
  return `${relationWord(relation)} (${language})`;
}

export const relationKey = ({ language, relation }: Named): string => `${language}.${relation}`;

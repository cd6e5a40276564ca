// Sentences to begin with: one click brings text, query token and the head that is worth a look.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Key } from "../i18n/en.ts";
import { rich, t } from "../i18n/index.ts";
import { kScenarios, querySpan, targetSpan, type Scenario } from "../maths/scenarios.ts";
import { language } from "../state/preferences.ts";
import { openScenario, scenario } from "../state/scenarios.ts";
import { focusWithin, moveIndex } from "../ui/roving.ts";

/** The sentence with the word that looks lit and the word to be found underlined. */
function Sentence({ of }: { readonly of: Scenario }) {
  const parts = of.marked.split(/([‹«][^›»]+[›»])/u);
  return (
    <span class="scenario-sentence" lang={of.language === "zh" ? "zh-Hans" : "en"}>
      {parts.map((part, i) => {
        if (part.startsWith("‹")) return <b key={i} class="lit-word">{part.slice(1, -1)}</b>;
        return part.startsWith("«") ? <u key={i}>{part.slice(1, -1)}</u> : part;
      })}
    </span>
  );
}

interface CardProps {
  readonly one: Scenario;
  readonly tabStop: boolean;
}

function ScenarioCard({ one, tabStop }: CardProps) {
  const looks = { query: <b>{querySpan(one).word}</b>, target: <b>{targetSpan(one).word}</b> };
  return (
    <button
      type="button"
      class="scenario"
      data-scenario={one.id}
      aria-pressed={scenario.value?.id === one.id}
      tabIndex={tabStop ? 0 : -1}
      onClick={() => openScenario(one)}
    >
      <span class="scenario-title">{t(`relation_${one.relation}`)}</span>
      <Sentence of={one} />
      <span class="scenario-look">{rich(`look_${one.relation}` satisfies Key, looks)}</span>
    </button>
  );
}

function walk(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const cards = [...event.currentTarget.querySelectorAll(".scenario")];
  const at = cards.indexOf(document.activeElement as Element);
  const next = at < 0 ? null : moveIndex(event.key, at, cards.length);
  if (next === null) return;
  event.preventDefault();
  focusWithin(event.currentTarget, ".scenario", next);
}

/** Scrolls the row, and nothing else, until the pressed card is whole. */
function bringUp(row: HTMLElement | null): void {
  const pressed = row?.querySelector('[aria-pressed="true"]');
  if (!row || !pressed) return;
  const [view, card] = [row.getBoundingClientRect(), pressed.getBoundingClientRect()];
  row.scrollLeft += Math.max(0, card.right + kMargin - view.right) + Math.min(0, card.left - kMargin - view.left);
}

const kMargin = 6;

export function ScenarioCards() {
  const row = useRef<HTMLDivElement>(null);
  const pressed = scenario.value?.id;
  useEffect(() => bringUp(row.current), [pressed]);
  const spoken = useSignal<"en" | "zh" | null>(null);
  const tongue = spoken.value ?? scenario.value?.language ?? language.value;
  const shown = kScenarios.filter((one) => one.language === tongue);
  const stop = Math.max(0, shown.findIndex((one) => one.id === scenario.value?.id));
  return (
    <section class="scenarios" aria-labelledby="scenarios-title">
      <p class="scenarios-top">
        <span id="scenarios-title">{t("scenarios_title")}</span>
        {(["en", "zh"] as const).map((one) => (
          <button
            key={one}
            type="button"
            class="quiet"
            data-sentences={one}
            lang={one === "zh" ? "zh-Hans" : "en"}
            aria-pressed={one === tongue}
            onClick={() => (spoken.value = one)}
          >
            {t(one === "en" ? "sentences_en" : "sentences_zh")}
          </button>
        ))}
      </p>
      <div ref={row} class="scenario-row" role="group" aria-labelledby="scenarios-title" onKeyDown={walk}>
        {shown.map((one, index) => (
          <ScenarioCard key={one.id} one={one} tabStop={index === stop} />
        ))}
      </div>
    </section>
  );
}

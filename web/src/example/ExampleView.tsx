// Multi-head attention by hand: the same page from weights to result, every number exact and editable.
import { rich, t } from "../i18n/index.ts";
import { models } from "../state/session.ts";
import { wordsOf } from "../maths/example.ts";
import { checks } from "../maths/invent.ts";
import { ConcatSection } from "./ConcatSection.tsx";
import { FileButtons } from "./FileButtons.tsx";
import { Invent } from "./Invent.tsx";
import { OutputSection } from "./OutputSection.tsx";
import { ProjectionSection } from "./ProjectionSection.tsx";
import { Setting } from "./Setting.tsx";
import { answers, example, inventing, isEdited, isOriginal, resetExample, revealed, startInventing } from "./state.ts";
import { ValuesSection } from "./ValuesSection.tsx";
import { WeightsSection } from "./WeightsSection.tsx";

/** The sentence with the words that take part marked and the query token lit. */
function Sentence() {
  const { sentence, query, keys } = example.value;
  return (
    <p class="example-sentence">
      {wordsOf(sentence).flatMap((word, i) => [
        i > 0 ? " " : "",
        i === query ? <b class="lit-word">{word}</b> : <span class={keys.includes(i) ? "" : "not-read"}>{word}</span>,
      ])}
    </p>
  );
}

function modelsNote(): string {
  const count = models.value?.models.length ?? 0;
  if (count === 0) return t("example_no_models_note");
  return count === 1 ? t("example_one_model_note") : t("example_models_note", { count });
}

/** The exercise keeps its sums to itself until they are found. */
function sumsShown(): boolean {
  if (!inventing.value || revealed.value) return true;
  return checks(example.value, answers.value).every((check) => check.name !== "sums" || check.done);
}

export function ExampleView() {
  return (
    <div class="example">
      <section class="example-lead">
        <h1>{t("example_title")}</h1>
        <Sentence />
        <p class="lead">{rich(isOriginal.value ? "example_lead" : "example_own_lead", { word: <b class="lit-word">{example.value.queryWord}</b> })}</p>
        <p class="hint">
          {modelsNote()}{" "}
          {isEdited.value && (
            <button id="reset" type="button" class="quiet" onClick={resetExample}>
              {t("reset")}
            </button>
          )}
        </p>
        <div class="example-tools">
          {!inventing.value && (
            <button id="invent" type="button" onClick={startInventing}>
              {t("invent_start")}
            </button>
          )}
          <FileButtons />
        </div>
        {!inventing.value && <Setting />}
      </section>
      {inventing.value && <Invent />}
      <WeightsSection />
      <ValuesSection />
      {sumsShown() ? (
        <>
          <OutputSection />
          <ConcatSection />
          <ProjectionSection />
        </>
      ) : (
        <p class="hint sums-hidden">{t("invent_sums_hidden")}</p>
      )}
    </div>
  );
}

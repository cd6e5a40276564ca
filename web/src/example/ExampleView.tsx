// Multi-head attention by hand: the same page from weights to result, every number exact and editable.
import { rich, t } from "../i18n/index.ts";
import { models } from "../state/session.ts";
import { ConcatSection } from "./ConcatSection.tsx";
import { OutputSection } from "./OutputSection.tsx";
import { ProjectionSection } from "./ProjectionSection.tsx";
import { isEdited, resetExample } from "./state.ts";
import { ValuesSection } from "./ValuesSection.tsx";
import { WeightsSection } from "./WeightsSection.tsx";

/** The sentence with the words that take part marked and the query token lit. */
function Sentence() {
  const words = t("example_sentence").split(" ");
  return (
    <p class="example-sentence" lang="en">
      {words.flatMap((word, i) => [
        i > 0 ? " " : "",
        word === t("example_query") ? <b class="lit-word">{word}</b> : <span>{word}</span>,
      ])}
    </p>
  );
}

function modelsNote(): string {
  const count = models.value?.models.length ?? 0;
  if (count === 0) return t("example_no_models_note");
  return count === 1 ? t("example_one_model_note") : t("example_models_note", { count });
}

export function ExampleView() {
  return (
    <div class="example">
      <section class="example-lead">
        <h1>{t("example_title")}</h1>
        <Sentence />
        <p class="lead">{rich("example_lead", { word: <b class="lit-word">{t("example_query")}</b> })}</p>
        <p class="hint">
          {modelsNote()}{" "}
          {isEdited.value && (
            <button id="reset" type="button" class="quiet" onClick={resetExample}>
              {t("reset")}
            </button>
          )}
        </p>
      </section>
      <WeightsSection />
      <ValuesSection />
      <OutputSection />
      <ConcatSection />
      <ProjectionSection />
    </div>
  );
}

// The walk's panel: it stands over the lower edge of the page that it talks about.
import { useEffect, useRef } from "preact/hooks";
import { rich, t } from "../i18n/index.ts";
import { chosenQuery, layer, rows, tokens, trace } from "../state/session.ts";
import { Question } from "./Question.tsx";
import { Rule } from "./Rule.tsx";
import { answers, endWalk, goTo, heroHead, ruleOrder, step, stepNumber } from "./state.ts";
import { isInOrder, kQuestions, kRight, kSteps, type StepKey } from "./steps.ts";

/** The numbers of the page that the story names. */
function facts() {
  const model = trace.value?.model;
  return {
    width: model?.d_model ?? "…",
    heads: model?.n_heads ?? "…",
    dim: model?.head_dim ?? "…",
    layer: layer.value,
    head: heroHead.value,
    jsd: rows.value?.jsd.toFixed(2) ?? "…",
    most: rows.value ? Math.log(rows.value.heads.length).toFixed(2) : "…",
  };
}

function Progress({ number }: { readonly number: number }) {
  return (
    <ol class="walk-progress" aria-label={t("walk_progress", { number, count: kSteps.length })}>
      {kSteps.map((one, i) => (
        <li key={one.key}>
          <button
            type="button"
            class={i + 1 < number ? "walk-dot past" : "walk-dot"}
            aria-current={i + 1 === number ? "step" : undefined}
            aria-label={`${i + 1}: ${t(`walk_${one.key}_title`)}`}
            title={t(`walk_${one.key}_title`)}
            onClick={() => goTo(i + 1)}
          />
        </li>
      ))}
    </ol>
  );
}

/** Right answers of the quiz, the trap and the rule. */
function score(): { readonly right: number; readonly all: number } {
  const quiz = [...kQuestions, "copies" as const].filter((name) => answers.value[name] === kRight[name]).length;
  return { right: quiz + (isInOrder(ruleOrder.value) ? 1 : 0), all: kQuestions.length + 2 };
}

function Quiz() {
  const { right, all } = score();
  const done = right === all;
  return (
    <>
      <h3>{t("takeaways_title")}</h3>
      <ul class="takeaways">
        {([1, 2, 3] as const).map((n) => (
          <li key={n}>
            <b>{t(`takeaway_${n}`)}</b> {t(`takeaway_${n}_text`)}
          </li>
        ))}
      </ul>
      {kQuestions.map((name) => (
        <Question key={name} name={name} />
      ))}
      <p class={done ? "walk-score done" : "walk-score"} role="status" data-score={`${right}/${all}`}>
        {t(done ? "walk_done" : "walk_score", { right, all })}
      </p>
    </>
  );
}

function Extra({ of }: { readonly of: StepKey }) {
  if (of === "trap") return <Question name="copies" values={facts()} />;
  if (of === "rule") return <Rule />;
  return of === "quiz" ? <Quiz /> : null;
}

function onKey(event: KeyboardEvent, number: number): void {
  if (event.key === "Escape") return endWalk();
  // Arrows in a question choose its answers.
  if ((event.target as HTMLElement).tagName === "INPUT") return;
  const by = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  goTo(number + by);
}

export function Walk() {
  const panel = useRef<HTMLElement>(null);
  const was = useRef(false);
  const number = stepNumber.value;
  const open = number !== null;
  useEffect(() => {
    if (open) panel.current?.focus({ preventScroll: true });
    else if (was.current && document.activeElement === document.body) document.getElementById("walk")?.focus({ preventScroll: true });
    was.current = open;
  }, [open]);
  useEffect(() => panel.current?.scrollTo({ top: 0 }), [number]);
  const current = step.value;
  if (!current || number === null) return null;
  const word = <b class="lit-word">{tokens.value[chosenQuery.value]?.text ?? "…"}</b>;
  return (
    <aside
      ref={panel}
      class="walk"
      tabIndex={-1}
      aria-labelledby="walk-title"
      data-step={current.key}
      onKeyDown={(event) => onKey(event, number)}
    >
      <header class="walk-top">
        <Progress number={number} />
        <span class="hint">
          {number} / {kSteps.length}
        </span>
        <button id="walk-end" type="button" class="quiet" onClick={endWalk}>
          {t("walk_end")}
        </button>
      </header>
      <div aria-live="polite">
        <h2 id="walk-title">{t(`walk_${current.key}_title`)}</h2>
        <p>{rich(`walk_${current.key}_text`, { word, ...facts() })}</p>
      </div>
      <Extra of={current.key} />
      <footer class="walk-foot">
        <button id="walk-back" type="button" disabled={number === 1} onClick={() => goTo(number - 1)}>
          {t("walk_back")}
        </button>
        {number < kSteps.length ? (
          <button id="walk-next" type="button" class="primary" onClick={() => goTo(number + 1)}>
            {t("walk_next")}
          </button>
        ) : (
          <button id="walk-finish" type="button" class="primary" onClick={endWalk}>
            {t("walk_finish")}
          </button>
        )}
      </footer>
    </aside>
  );
}

// The exercise: two heads of one's own, their sums found by hand, each step checked as it is done.
import type { Key } from "../i18n/en.ts";
import { rich, t } from "../i18n/index.ts";
import { kHeadDim } from "../maths/example.ts";
import { checks, judge, kAnswers, kWanted, type Check } from "../maths/invent.ts";
import { headStyle } from "./Exact.tsx";
import { answer, answers, example, resetExample, revealed } from "./state.ts";

const kWords: Readonly<Record<Check["name"], Key>> = {
  row: "invent_row",
  finds: "invent_finds",
  own_values: "invent_values",
  sums: "invent_sums",
  place: "invent_place",
};

function CheckLine({ check }: { readonly check: Check }) {
  const word = kWanted[check.head - 1] ?? "";
  return (
    <li class={check.done ? "check done" : "check"} data-check={`${check.name}${check.head}`} data-done={check.done}>
      <span class="check-sign" aria-hidden="true">
        {check.done ? "✓" : "○"}
      </span>
      <span class="hidden-text">{t(check.done ? "check_done" : "check_open")}</span>
      {t(kWords[check.name], { head: check.head, word })}
    </li>
  );
}

function AnswerBox({ index, label }: { readonly index: number; readonly label: string }) {
  const verdict = judge(example.value, answers.value, index);
  return (
    <label class="answer">
      <span class="answer-name">{label}</span>
      <input
        class="number"
        type="text"
        inputMode="decimal"
        autocomplete="off"
        data-answer={index}
        data-verdict={verdict === null ? "open" : verdict}
        aria-invalid={verdict === false}
        value={answers.value[index]}
        onInput={(event) => answer(index, event.currentTarget.value)}
      />
      <span class={verdict ? "verdict right" : "verdict wrong"} role="status">
        {verdict === null ? "" : t(verdict ? "answer_right" : "answer_wrong")}
      </span>
    </label>
  );
}

function AnswerRow({ head }: { readonly head: number }) {
  return (
    <div class="answers" style={headStyle(head)}>
      {Array.from({ length: kHeadDim }, (_, d) => (
        <AnswerBox key={d} index={head * kHeadDim + d} label={`o${head + 1}[${d + 1}]`} />
      ))}
    </div>
  );
}

export function Invent() {
  const all = checks(example.value, answers.value);
  const done = all.filter((check) => check.done).length;
  return (
    <section class="invent" aria-labelledby="invent-title" data-invent={`${done}/${all.length}`}>
      <h2 id="invent-title">{t("invent_title")}</h2>
      <p>{rich("invent_lead", { word: <b class="lit-word">{example.value.queryWord}</b> })}</p>
      <ol class="checks">
        {all.map((check) => (
          <CheckLine key={check.name + check.head} check={check} />
        ))}
      </ol>
      <p class="hint">{t("invent_sums_hint")}</p>
      <AnswerRow head={0} />
      <AnswerRow head={1} />
      <div class="answers place">
        <AnswerBox index={kAnswers - 1} label={t("invent_place_label")} />
      </div>
      <p class={done === all.length ? "invent-end done" : "invent-end"} role="status">
        {done === all.length ? t("invent_done") : t("invent_progress", { done, all: all.length })}
      </p>
      <p>
        <button id="invent-reveal" type="button" class="quiet" aria-pressed={revealed.value} onClick={() => (revealed.value = !revealed.value)}>
          {t(revealed.value ? "invent_hide" : "invent_reveal")}
        </button>
        <button id="invent-end" type="button" class="quiet" onClick={resetExample}>
          {t("invent_leave")}
        </button>
      </p>
    </section>
  );
}

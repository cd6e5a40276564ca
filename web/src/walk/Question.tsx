// A question with three answers; each choice, right or wrong, is explained.
import type { ComponentChildren } from "preact";
import { t } from "../i18n/index.ts";
import { answers, choose } from "./state.ts";
import { kOptions, kRight, type QuestionKey } from "./steps.ts";

interface QuestionProps {
  readonly name: QuestionKey;
  /** What the explanations fill in. */
  readonly values?: Readonly<Record<string, string | number>>;
  readonly children?: ComponentChildren;
}

export function Question({ name, values = {}, children }: QuestionProps) {
  const chosen = answers.value[name];
  const right = chosen === kRight[name];
  return (
    <fieldset class="question" data-question={name} data-verdict={chosen === undefined ? "open" : right}>
      <legend>{t(`ask_${name}`, values)}</legend>
      {kOptions.map((option) => (
        <label key={option} class="option">
          <input
            type="radio"
            name={`question-${name}`}
            value={option}
            checked={chosen === option}
            onChange={() => choose(name, option)}
          />
          <span>{t(`ask_${name}_${option}`, values)}</span>
        </label>
      ))}
      <p class={right ? "verdict right" : "verdict wrong"} role="status">
        {chosen !== undefined && `${t(right ? "quiz_right" : "quiz_wrong")} ${t(`why_${name}_${chosen}`, values)}`}
      </p>
      {children}
    </fieldset>
  );
}

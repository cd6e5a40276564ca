import { t } from "../i18n/index.ts";
import { concat, headContributions, kHeadDim, project, widthOf } from "../maths/example.ts";
import { headStyle, printed, Vector } from "./Exact.tsx";
import { NumberInput } from "./NumberInput.tsx";
import { example } from "./state.ts";
import { Step } from "./Step.tsx";
import { SumLine } from "./SumLine.tsx";

const headOfRow = (row: number) => Math.floor(row / kHeadDim);

/** W_O, each row led by the component of concat that it is multiplied with. */
function Matrix() {
  const joined = concat(example.value);
  return example.value.outputProjection.map((row, r) => (
    <div key={r} class={r % kHeadDim === 0 && r > 0 ? "wo-row of-head first" : "wo-row of-head"} style={headStyle(headOfRow(r))}>
      <span class="wo-factor">{printed(joined[r]!)} ×</span>
      {row.map((value, c) => (
        <NumberInput
          key={c}
          cell={{ kind: "o", row: r, column: c }}
          value={value}
          label={t("projection_input", { row: r + 1, column: c + 1 })}
        />
      ))}
    </div>
  ));
}

/** What each head adds, and what comes out: the last line is the sum of the others. */
function Contributions() {
  return (
    <div class="contributions">
      {headContributions(example.value).map((values, h) => (
        <div key={h} class="contribution">
          <span class="contribution-name">{t("adds", { head: h + 1 })}</span>
          <Vector name={`adds${h + 1}`} label={t("adds", { head: h + 1 })} values={values} headOf={() => h} />
        </div>
      ))}
      <div class="contribution result">
        <span class="contribution-name">{t("result")}</span>
        <Vector name="result" label={t("result")} values={project(example.value).map((one) => one.total)} />
      </div>
    </div>
  );
}

export function ProjectionSection() {
  return (
    <Step number={5} title={t("step_project")} note={t("step_project_note")}>
      <div class="scroll">
        <div class="projection" style={{ "--width": widthOf(example.value) }}>
          <Matrix />
          <Contributions />
        </div>
      </div>
      <details class="result-sums">
        <summary>{t("result_sums", { width: widthOf(example.value) })}</summary>
        <dl>
          {project(example.value).map((one, c) => (
            <SumLine key={c} name={`result[${c + 1}]`} sum={one} />
          ))}
        </dl>
      </details>
    </Step>
  );
}

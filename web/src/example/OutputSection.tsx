import { t } from "../i18n/index.ts";
import { headOutputs } from "../maths/example.ts";
import { headStyle, Vector } from "./Exact.tsx";
import { example } from "./state.ts";
import { Step } from "./Step.tsx";
import { SumLine } from "./SumLine.tsx";

export function OutputSection() {
  return (
    <Step number={3} title={t("step_outputs")} note={t("step_outputs_note")}>
      <div class="columns">
        {headOutputs(example.value).map((output, h) => (
          <article key={h} class="card sums" style={headStyle(h)}>
            <h3 class="card-name">
              <span class="swatch" aria-hidden="true" />
              {t("head_output", { head: h + 1 })}
            </h3>
            <dl>
              {output.map((one, d) => (
                <SumLine key={d} name={`o${h + 1}[${d + 1}]`} sum={one} />
              ))}
            </dl>
            <Vector
              name={`o${h + 1}`}
              label={t("head_output", { head: h + 1 })}
              values={output.map((one) => one.total)}
              headOf={() => h}
            />
          </article>
        ))}
      </div>
    </Step>
  );
}

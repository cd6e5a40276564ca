import { t } from "../i18n/index.ts";
import { averageOfHeads, mix, weightTotal } from "../maths/example.ts";
import { Rational } from "../maths/rational.ts";
import { Beams } from "../ui/Beams.tsx";
import { headStyle, printed } from "./Exact.tsx";
import { NumberInput } from "./NumberInput.tsx";
import { example, isOriginal } from "./state.ts";
import { Step } from "./Step.tsx";

const kRowHeight = 34;
const kBeamWidth = 120;
const kQuestions = ["who_habit", "why_habit"] as const;

function RowBeams({ id, row }: { readonly id: string; readonly row: readonly Rational[] }) {
  const weights = row.map((weight) => weight.toNumber());
  return (
    <Beams
      id={id}
      width={kBeamWidth}
      weights={weights}
      rowHeight={kRowHeight}
      lampY={(row.length * kRowHeight) / 2}
      lampWord={example.value.queryWord}
    />
  );
}

function SumOfWeights({ head }: { readonly head: number }) {
  const total = weightTotal(example.value, head);
  const good = total.equals(Rational.one);
  return (
    <p class={good ? "weights-sum" : "weights-sum wrong"} data-weight-sum={head} data-value={String(total)} role="status">
      {example.value.weights[head]!.map(printed).join(" + ")} = <b>{printed(total)}</b>
      <span>{good ? t("weights_sum_ok") : t("weights_sum_bad", { sum: printed(total) })}</span>
    </p>
  );
}

function EditableHead({ head }: { readonly head: number }) {
  const row = example.value.weights[head]!;
  return (
    <article class="card example-card" style={headStyle(head)} data-example-head={head}>
      <header class="card-top">
        <h3 class="card-name">
          <span class="swatch" aria-hidden="true" />
          {t("head_name", { head: head + 1 })}
        </h3>
        {isOriginal.value && <p class="strongest">{t(kQuestions[head]!)}</p>}
      </header>
      <div class="row-picture">
        <RowBeams id={`example-beam-${head}`} row={row} />
        <ol class="lines tall">
          {example.value.words.map((word, w) => (
            <li key={w} class="line">
              <span class="line-word">
                {word}
              </span>
              <NumberInput
                cell={{ kind: "w", row: head, column: w }}
                value={row[w]!}
                label={t("weight_input", { head: head + 1, word })}
              />
            </li>
          ))}
        </ol>
      </div>
      <SumOfWeights head={head} />
    </article>
  );
}

function ExampleAverage() {
  const row = averageOfHeads(example.value);
  const blended = mix(example.value, row)
    .map((one) => printed(one.total))
    .join(", ");
  return (
    <article class="card average" data-average>
      <header class="card-top">
        <h3 class="card-name">{t("average_title")}</h3>
      </header>
      <div class="row-picture">
        <RowBeams id="example-beam-average" row={row} />
        <ol class="lines tall">
          {example.value.words.map((word, w) => (
            <li key={w} class="line" data-key={w} data-value={String(row[w])}>
              <span class="line-word">
                {word}
              </span>
              <span class="line-exact">{printed(row[w]!)}</span>
            </li>
          ))}
        </ol>
      </div>
      <p class="hint">{t("average_note", { heads: example.value.heads })}</p>
      {example.value.heads > 1 && <p class="hint">{t("average_output", { values: `[${blended}]` })}</p>}
    </article>
  );
}

export function WeightsSection() {
  return (
    <Step number={1} title={t("step_weights")} note={t("step_weights_note")}>
      <div class="cards">
        {example.value.weights.map((_, head) => (
          <EditableHead key={head} head={head} />
        ))}
        <ExampleAverage />
      </div>
    </Step>
  );
}

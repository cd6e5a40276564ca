// All heads of the model against each other: a scatter plot with axes to choose, and its numbers.
import { t } from "../i18n/index.ts";
import { chooseMeasure, chosenMeasures, heldBack, measureHeads, measures, statistics } from "../state/glance.ts";
import { tokens, trace } from "../state/session.ts";
import { MeasureTable } from "./MeasureTable.tsx";
import { MeasureOptions, unitName } from "./names.tsx";
import { Scatter } from "./Scatter.tsx";

function AxisChoice({ use }: { readonly use: "x" | "y" }) {
  const unit = measures[use].value?.unit;
  return (
    <label>
      {t(use === "x" ? "scatter_x" : "scatter_y")}{" "}
      <select id={`scatter-${use}`} value={chosenMeasures.value[use]} onChange={(event) => chooseMeasure(use, event.currentTarget.value)}>
        <MeasureOptions />
      </select>
      {unit && ` (${unitName(unit)})`}
    </label>
  );
}

function Waiting() {
  if (!heldBack.value) return <p class="loading">{t("loading_statistics")}</p>;
  return (
    <p>
      <button type="button" id="measure-heads" onClick={measureHeads}>
        {t("measure_heads")}
      </button>
    </p>
  );
}

export function GlanceSection() {
  const model = trace.value?.model;
  const known = statistics.value;
  if (!model) return null;
  const [x, y] = [measures.x.value, measures.y.value];
  const sinks = known?.sinks.map((index) => tokens.value[index]?.text ?? "") ?? [];
  return (
    <section class="glance" aria-labelledby="glance-title">
      <h2 id="glance-title">{t("glance_title")}</h2>
      <p class="hint">{t("glance_lead", { count: model.n_layers * model.n_heads })}</p>
      <p class="scatter-axes">
        <AxisChoice use="y" />
        <AxisChoice use="x" />
      </p>
      {x && y ? <Scatter heads={model.n_heads} x={x} y={y} /> : <Waiting />}
      {known && (
        <p class="hint" data-sinks={known.sinks.join(",")}>
          {t("glance_sinks", { sinks: [...new Set(sinks)].join(", ") })}
        </p>
      )}
      {known && <MeasureTable heads={model.n_heads} />}
    </section>
  );
}

// What the grid of heads is coloured by: patterns, or a number that is known of each head.
import { MeasureOptions, measureName, measureNumber } from "../glance/names.tsx";
import { t } from "../i18n/index.ts";
import { rangeOf } from "../maths/measures.ts";
import { chooseMeasure, chosenMeasures, measures } from "../state/glance.ts";

export function GridColour() {
  return (
    <label class="grid-colour">
      {t("grid_by")}{" "}
      <select id="grid-colour" value={chosenMeasures.value.colour} onChange={(event) => chooseMeasure("colour", event.currentTarget.value)}>
        <option value="">{t("grid_pattern")}</option>
        <MeasureOptions />
      </select>
    </label>
  );
}

/** What dark and bright stand for. */
export function GridLegend() {
  const measure = measures.colour.value;
  const range = measure && rangeOf(measure);
  return (
    <p class="grid-legend" data-legend={measure?.key ?? ""}>
      <span class="grid-legend-name">{measure ? measureName(measure.key) : t("legend_pattern")}</span>
      <span>{range ? measureNumber(measure.unit, range.low) : "0"}</span>
      <span class={measure ? "grid-ramp" : "grid-ramp of-pattern"} aria-hidden="true" />
      <span>{range ? measureNumber(measure.unit, range.high) : "1"}</span>
    </p>
  );
}

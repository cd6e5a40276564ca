// The numbers behind the grid's colours and the scatter plot, head by head.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { kTextMeasures, measureOf, type Measure } from "../maths/measures.ts";
import { abilities } from "../state/evidence.ts";
import { chosenMeasures, statistics } from "../state/glance.ts";
import { measureName, measureNumber } from "./names.tsx";

/** Those of the text, then what else is on show. */
function shownMeasures(): Measure[] {
  const { colour, x, y } = chosenMeasures.value;
  const keys = [...new Set<string>([...kTextMeasures, colour, x, y])];
  return keys.flatMap((key) => measureOf(key, statistics.value, abilities.value) ?? []);
}

export function MeasureTable({ heads }: { readonly heads: number }) {
  const open = useSignal(false);
  const shown = open.value ? shownMeasures() : [];
  const count = shown[0]?.values.length ?? 0;
  return (
    <details class="numbers glance-numbers" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>{t("glance_numbers")}</summary>
      {open.value && (
        <div class="scroll" role="region" tabIndex={0} aria-label={t("glance_numbers")}>
          <table>
            <caption class="hidden-text">{t("glance_title")}</caption>
            <thead>
              <tr>
                <th scope="col">{t("column_head")}</th>
                {shown.map((one) => (
                  <th key={one.key} scope="col">
                    {measureName(one.key)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {Array.from({ length: count }, (_, index) => (
                <tr key={index}>
                  <th scope="row">{t("head_card", { layer: Math.floor(index / heads), head: index % heads })}</th>
                  {shown.map((one) => (
                    <td key={one.key} data-value={one.values[index]}>
                      {measureNumber(one.unit, one.values[index]!)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

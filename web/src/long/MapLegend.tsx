// What the map's colours mean, what the cell under the cursor holds, and whether all queries were read.
import { t } from "../i18n/index.ts";
import { brightness, kDecades, shortWeight } from "../maths/long_map.ts";
import { language, theme } from "../state/preferences.ts";
import { headColour } from "../ui/colour.ts";
import { cursor, tokensOf } from "./cursor.ts";
import { rangeText } from "./format.ts";
import { brightOf } from "./paint.ts";
import { longHead } from "./state.ts";
import { mapHere, shownValue, tokenAt } from "./views.ts";

export function Legend() {
  const map = mapHere.value;
  if (!map) return <p class="long-legend hint" aria-busy="true" />;
  const bright = brightOf(map, shownValue.value);
  const ticks = Array.from({ length: kDecades + 1 }, (_, i) => bright * 10 ** (i - kDecades));
  const label = t("long_legend", { low: shortWeight(ticks[0]!), high: shortWeight(bright) });
  return (
    <div class="long-legend" style={{ "--head": headColour(longHead.value, theme.value) }}>
      <div class="long-ramp" role="img" aria-label={label} title={label} />
      <div class="long-ticks" aria-hidden="true">
        {ticks.map((value) => (
          <span key={value} style={{ left: `${100 * brightness(value, bright)}%` }}>
            {shortWeight(value)}
          </span>
        ))}
      </div>
    </div>
  );
}

export function Sampling() {
  const map = mapHere.value;
  if (!map) return null;
  const number = (value: number) => value.toLocaleString(language.value);
  const exact = map.rowsRead === map.rowsAll;
  return (
    <p class="hint long-sampling" role="status" data-rows-read={map.rowsRead} data-rows-all={map.rowsAll}>
      {exact
        ? t("long_exact", { rows: number(map.rowsAll) })
        : t("long_sampled", { every: number(Math.round(map.rowsAll / map.rowsRead)), read: number(map.rowsRead), rows: number(map.rowsAll) })}
    </p>
  );
}

/** What the cell under the cursor holds, with its words where it is a single pair. */
export function CellLine() {
  const map = mapHere.value;
  const cell = cursor.value;
  const inside = map && cell && cell.row < map.rows && cell.column < map.columns;
  if (!inside) return <p class="long-cell" role="status" />;
  const { rows, keys } = tokensOf(cell);
  const at = cell.row * map.columns + cell.column;
  const words = (range: readonly [number, number]) => {
    const token = range[1] - range[0] === 1 ? tokenAt(range[0]) : null;
    return token ? `${range[0]} “${token.text}”` : rangeText(range);
  };
  return (
    <p class="long-cell" role="status" data-mean={map.mean[at]} data-max={map.max[at]}>
      {t("long_cell", { rows: words(rows), keys: words(keys), mean: shortWeight(map.mean[at]!), max: shortWeight(map.max[at]!) })}
    </p>
  );
}

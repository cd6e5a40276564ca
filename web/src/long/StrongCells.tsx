// The table behind the map: its strongest cells, each a step closer.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { around, cellRange, strongestCells } from "../maths/long_map.ts";
import { rangeText } from "./format.ts";
import { area, longHead, longLayer, longTrace, show } from "./state.ts";
import { mapHere, shownValue } from "./views.ts";

const kCells = 12;
/** What a step into a cell shows around it. */
const kCellsAround = 16;

export function StrongCells() {
  const open = useSignal(false);
  const map = mapHere.value;
  const what = t(shownValue.value === "max" ? "long_max" : "long_mean");
  const { row, key, span } = area.value;
  const cells = open.value && map ? strongestCells(map[shownValue.value], map.columns, kCells) : [];
  return (
    <details class="numbers long-table" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>{t("long_table")}</summary>
      {open.value && map && (
        <div class="scroll">
          <table>
            <caption class="hidden-text">{t("long_table_caption", { what, layer: longLayer.value, head: longHead.value })}</caption>
            <thead>
              <tr>
                <th scope="col">{t("long_column_rows")}</th>
                <th scope="col">{t("long_column_keys")}</th>
                <th scope="col">{t("long_mean")}</th>
                <th scope="col">{t("long_max")}</th>
                <th scope="col">{t("long_column_show")}</th>
              </tr>
            </thead>
            <tbody>
              {cells.map((cell) => {
                const rows = cellRange(row, span, cell.row, map.rows);
                const keys = cellRange(key, span, cell.column, map.columns);
                const at = cell.row * map.columns + cell.column;
                const go = () => show(around((rows[0] + rows[1]) / 2, (keys[0] + keys[1]) / 2, (rows[1] - rows[0]) * kCellsAround, longTrace.value!.length));
                return (
                  <tr key={at} data-cell-value={cell.value}>
                    <td>{rangeText(rows)}</td>
                    <td>{rangeText(keys)}</td>
                    <td>{map.mean[at]}</td>
                    <td>{map.max[at]}</td>
                    <td>
                      <button type="button" aria-label={t("long_closer", { rows: rangeText(rows), keys: rangeText(keys) })} onClick={go}>
                        {t("long_zoom_in")}
                      </button>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

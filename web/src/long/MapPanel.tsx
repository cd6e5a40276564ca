// The map with all that belongs to it: buttons, legend, its place in the whole, and a table behind it.
import { t } from "../i18n/index.ts";
import { MapButtons } from "./MapButtons.tsx";
import { MapCanvas } from "./MapCanvas.tsx";
import { CellLine, Legend, Sampling } from "./MapLegend.tsx";
import { Minimap } from "./Minimap.tsx";
import { area, longHead, longLayer } from "./state.ts";
import { StrongCells } from "./StrongCells.tsx";

export function MapPanel() {
  const { row, key, span } = area.value;
  const ends = { row, row_end: row + span - 1, key, key_end: key + span - 1 };
  const label = t("long_map", { layer: longLayer.value, head: longHead.value, ...ends });
  return (
    <section class="long-map" aria-labelledby="long-map-title">
      <h2 id="long-map-title">{label}</h2>
      <MapButtons />
      <p class="long-axis">{t("long_axis_keys")}</p>
      <div class="long-frame">
        <p class="long-axis down">{t("long_axis_queries")}</p>
        <MapCanvas label={label} />
      </div>
      <CellLine />
      <Legend />
      <Sampling />
      <p id="long-keys" class="hint">
        {t("long_keys")}
      </p>
      <Minimap />
      <StrongCells />
    </section>
  );
}

// Zoom and move without wheel and keys, and what a cell shows.
import { t } from "../i18n/index.ts";
import { whole } from "../maths/long_map.ts";
import { closer, kPanStep, kZoomStep, move } from "./cursor.ts";
import { longTrace, show } from "./state.ts";
import { shownValue } from "./views.ts";

const kButtons = [
  ["in", "long_zoom_in", "+", () => closer(kZoomStep)],
  ["out", "long_zoom_out", "−", () => closer(1 / kZoomStep)],
  ["whole", "long_whole", "▣", () => show(whole(longTrace.value!.length))],
  ["left", "long_left", "←", () => move(-kPanStep, 0)],
  ["right", "long_right", "→", () => move(kPanStep, 0)],
  ["up", "long_up", "↑", () => move(0, -kPanStep)],
  ["down", "long_down", "↓", () => move(0, kPanStep)],
] as const;

export function MapButtons() {
  return (
    <div class="long-buttons">
      {kButtons.map(([name, key, sign, act]) => (
        <button key={name} type="button" data-map={name} title={t(key)} aria-label={t(key)} onClick={act}>
          {sign}
        </button>
      ))}
      <label class="long-shown">
        {t("long_show")}{" "}
        <select id="long-shown" value={shownValue.value} onChange={(event) => (shownValue.value = event.currentTarget.value === "max" ? "max" : "mean")}>
          <option value="mean">{t("long_mean")}</option>
          <option value="max">{t("long_max")}</option>
        </select>
      </label>
    </div>
  );
}

// Which layer is looked at, on both sides, and the order of the heads.
import { t } from "../i18n/index.ts";
import { LayerPicker } from "../lab/LayerPicker.tsx";
import { navigate } from "../state/address.ts";
import { chooseLayer, layer, trace } from "../state/session.ts";
import { firstChangedLayer, gatesB, layerB, numbered, order, traceB } from "./state.ts";

/** B's layer goes with A's until it is chosen: layers of two models have no common numbers. */
function LayerOfB() {
  const count = traceB.value?.model.n_layers ?? 1;
  return (
    <label>
      {t("compare_layer_b")}{" "}
      <select id="layer-b" value={layerB.value} onChange={(event) => navigate({ layer2: Number(event.currentTarget.value) }, "push")}>
        {Array.from({ length: count }, (_, index) => (
          <option key={index} value={index}>
            {index}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A gate acts behind the pattern, so that the rows of its own layer cannot change. */
function TooEarly() {
  const [first, last] = [firstChangedLayer.value, (traceB.value?.model.n_layers ?? 1) - 1];
  const oneModel = trace.value?.model.name === traceB.value?.model.name;
  if (gatesB.value.size === 0 || !oneModel || layerB.value >= first) return null;
  return (
    <p class="hint too-early" role="status">
      {t(first > last ? "compare_too_late" : "compare_too_early", { layer: first })}{" "}
      {first <= last && (
        <button type="button" id="later-layer" onClick={() => chooseLayer(first)}>
          {t("compare_go_layer", { layer: first })}
        </button>
      )}
    </p>
  );
}

export function LayerRow() {
  const byNumber = order.value === "number";
  return (
    <>
      <div class="layer-row">
        <LayerPicker />
        {(!numbered.value || layer.value !== layerB.value) && <LayerOfB />}
        <label>
          {t("compare_order")}{" "}
          <select
            id="order"
            value={byNumber ? "number" : "difference"}
            onChange={(event) => navigate({ order: event.currentTarget.value === "number" ? "number" : null }, "replace")}
          >
            <option value="difference">{t("compare_by_difference")}</option>
            <option value="number">{t("compare_by_number")}</option>
          </select>
        </label>
      </div>
      <TooEarly />
    </>
  );
}

// Heads of side B that are switched off: the gates that its run is made with.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { headKey } from "../maths/gates.ts";
import { chosenHead, layer as openLayer } from "../state/session.ts";
import { chooseGateB, gatesB, modelB } from "./state.ts";

interface NumberOfProps {
  readonly id: string;
  readonly label: string;
  readonly count: number;
  readonly value: number;
  readonly choose: (next: number) => void;
}

function NumberOf({ id, label, count, value, choose }: NumberOfProps) {
  return (
    <label>
      {label}{" "}
      <select id={id} value={value} onChange={(event) => choose(Number(event.currentTarget.value))}>
        {Array.from({ length: count }, (_, index) => (
          <option key={index} value={index}>
            {index}
          </option>
        ))}
      </select>
    </label>
  );
}

export function HeadsOff() {
  const [layer, head] = [useSignal(openLayer.value), useSignal(chosenHead.value ?? 0)];
  const of = modelB.value;
  if (!of) return null;
  const [l, h] = [Math.min(layer.value, of.n_layers - 1), Math.min(head.value, of.n_heads - 1)];
  return (
    <fieldset class="heads-off">
      <legend>{t("compare_heads_off")}</legend>
      <NumberOf id="off-layer" label={t("layer_label")} count={of.n_layers} value={l} choose={(next) => (layer.value = next)} />
      <NumberOf id="off-head" label={t("column_head")} count={of.n_heads} value={h} choose={(next) => (head.value = next)} />
      <button type="button" id="off-add" disabled={gatesB.value.get(headKey(l, h)) === 0} onClick={() => chooseGateB(headKey(l, h), 0)}>
        {t("compare_off")}
      </button>
      {[...gatesB.value].map(([key, gate]) => (
        <button key={key} type="button" class="off-chip" data-off={key} aria-label={t("compare_on", { head: key })} onClick={() => chooseGateB(key, 1)}>
          {gate === 0 ? key : `${key} × ${gate}`} ✕
        </button>
      ))}
    </fieldset>
  );
}

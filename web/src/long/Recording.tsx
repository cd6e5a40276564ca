// The layers: which are computed, which one is looked at, and how long the one under way has taken.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { language } from "../state/preferences.ts";
import { focusWithin, moveIndex } from "../ui/roving.ts";
import { chooseLongLayer, isRecorded, longLayer, longTrace, recording, stopped } from "./state.ts";

function Layers() {
  const { model, layers_recorded } = longTrace.value!;
  const chosen = longLayer.value;
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const next = moveIndex(event.key, chosen, model.n_layers);
    if (next === null) return;
    event.preventDefault();
    chooseLongLayer(next);
    focusWithin(event.currentTarget, "[role=radio]", next);
  };
  return (
    <div class="layers" role="radiogroup" aria-label={t("long_layer")} onKeyDown={onKey}>
      <span class="layers-label" aria-hidden="true">
        {t("long_layer")}
      </span>
      {Array.from({ length: model.n_layers }, (_, layer) => (
        <button
          key={layer}
          type="button"
          role="radio"
          class={layer < layers_recorded ? "layer" : "layer todo"}
          data-long-layer={layer}
          aria-checked={layer === chosen}
          aria-label={layer < layers_recorded ? String(layer) : t("long_layer_todo", { layer })}
          tabIndex={layer === chosen ? 0 : -1}
          onClick={() => chooseLongLayer(layer)}
        >
          {layer}
        </button>
      ))}
    </div>
  );
}

function UnderWay({ layer, since }: { readonly layer: number; readonly since: number }) {
  const seconds = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => (seconds.value = Math.floor((Date.now() - since) / 1000)), 1000);
    return () => clearInterval(timer);
  }, [since]);
  return (
    <p class="long-recording" role="status">
      {t("long_recording", { layer, length: longTrace.value!.length.toLocaleString(language.value), seconds: seconds.value })}{" "}
      <button type="button" id="long-stop" disabled={stopped.value} onClick={() => (stopped.value = true)}>
        {t("long_stop")}
      </button>
    </p>
  );
}

export function Recording() {
  const recorded = longTrace.value!.layers_recorded;
  return (
    <div class="long-layers">
      <Layers />
      {recording.value && <UnderWay {...recording.value} />}
      {!recording.value && stopped.value && !isRecorded.value && (
        <p class="long-recording" role="status">
          {recorded > 0 && t("long_stopped", { layer: recorded - 1 })}{" "}
          <button type="button" id="long-continue" onClick={() => chooseLongLayer(longLayer.value)}>
            {t("long_continue", { layer: recorded })}
          </button>
        </p>
      )}
    </div>
  );
}

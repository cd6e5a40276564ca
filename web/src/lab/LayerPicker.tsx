import { t } from "../i18n/index.ts";
import { chooseLayer, layer, trace } from "../state/session.ts";
import { focusWithin, moveIndex } from "../ui/roving.ts";

export function LayerPicker() {
  const count = trace.value?.model.n_layers ?? 0;
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const next = moveIndex(event.key, layer.value, count);
    if (next === null) return;
    event.preventDefault();
    chooseLayer(next);
    focusWithin(event.currentTarget, "[role=radio]", next);
  };
  return (
    <div class="layers" role="radiogroup" aria-label={t("layer_label")} onKeyDown={onKey}>
      <span class="layers-label" aria-hidden="true">
        {t("layer_label")}
      </span>
      {Array.from({ length: count }, (_, index) => (
        <button
          key={index}
          type="button"
          role="radio"
          class="layer"
          data-layer={index}
          aria-checked={index === layer.value}
          tabIndex={index === layer.value ? 0 : -1}
          onClick={() => chooseLayer(index)}
        >
          {index}
        </button>
      ))}
    </div>
  );
}

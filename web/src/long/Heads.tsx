// The heads of the layer, each as its whole pattern in small.
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { theme } from "../state/preferences.ts";
import { headColour } from "../ui/colour.ts";
import { focusWithin, moveIndex } from "../ui/roving.ts";
import { imageOf } from "./paint.ts";
import { chooseLongHead, longHead, longLayer, longTrace } from "./state.ts";
import { shownValue, thumbnail } from "./views.ts";

function Head({ head }: { readonly head: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [map, inTheme, shown] = [thumbnail(head), theme.value, shownValue.value];
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    context.imageSmoothingEnabled = false;
    if (map) context.drawImage(imageOf(map, shown, head, inTheme), 0, 0, context.canvas.width, context.canvas.height);
  }, [map, inTheme, shown, head]);
  const chosen = head === longHead.value;
  return (
    <button
      type="button"
      role="radio"
      class="long-head"
      data-long-head={head}
      aria-checked={chosen}
      aria-label={t("long_head", { layer: longLayer.value, head })}
      tabIndex={chosen ? 0 : -1}
      style={{ "--head": headColour(head, inTheme) }}
      onClick={() => chooseLongHead(head)}
    >
      <canvas ref={canvas} width={96} height={96} aria-hidden="true" />
      <span>{head}</span>
    </button>
  );
}

export function Heads() {
  const count = longTrace.value!.model.n_heads;
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const next = moveIndex(event.key, longHead.value, count);
    if (next === null) return;
    event.preventDefault();
    chooseLongHead(next);
    focusWithin(event.currentTarget, "[role=radio]", next);
  };
  return (
    <div class="long-heads" role="radiogroup" aria-label={t("long_heads", { layer: longLayer.value })} onKeyDown={onKey}>
      {Array.from({ length: count }, (_, head) => (
        <Head key={head} head={head} />
      ))}
    </div>
  );
}

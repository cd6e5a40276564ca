// The whole pattern in small, with the part on show as a window in it.
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { around } from "../maths/long_map.ts";
import { theme } from "../state/preferences.ts";
import { imageOf } from "./paint.ts";
import { area, longHead, longTrace, show } from "./state.ts";
import { shownValue, thumbnail } from "./views.ts";

const kPixels = 144;
const kLeastWindow = 5;

export function Minimap() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const length = longTrace.value!.length;
  const [on, head, inTheme, shown] = [area.value, longHead.value, theme.value, shownValue.value];
  const map = thumbnail(head);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, kPixels, kPixels);
    context.imageSmoothingEnabled = false;
    if (map) context.drawImage(imageOf(map, shown, head, inTheme), 0, 0, kPixels, kPixels);
    const scale = kPixels / length;
    const size = Math.max(kLeastWindow, on.span * scale);
    const inside = (from: number) => Math.min(kPixels - size, from * scale);
    context.strokeStyle = getComputedStyle(context.canvas).color;
    context.lineWidth = 2;
    context.strokeRect(inside(on.key) + 1, inside(on.row) + 1, size - 2, size - 2);
  }, [map, on, head, inTheme, shown, length]);
  return (
    <canvas
      ref={canvas}
      class="long-minimap"
      width={kPixels}
      height={kPixels}
      role="img"
      aria-label={t("long_minimap")}
      title={t("long_minimap")}
      onClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        const at = (offset: number, extent: number) => (offset / extent) * length;
        show(around(at(event.clientY - box.top, box.height), at(event.clientX - box.left, box.width), on.span, length));
      }}
    />
  );
}

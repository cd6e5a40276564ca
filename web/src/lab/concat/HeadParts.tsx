// The concatenated vector: every head's z side by side in its own colour, each with its switch.
import type { Concat, ConcatHead } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { barsPath, largest, signed } from "../../maths/vectors.ts";
import { cursor, gateOf, pointAt, setGate } from "../../state/concat.ts";
import { theme } from "../../state/preferences.ts";
import { headColour } from "../../ui/colour.ts";
import { moveIndex } from "../../ui/roving.ts";
import { Formula } from "./Formula.tsx";

interface StripProps {
  readonly head: ConcatHead;
  readonly most: number;
}

/** A head's z as bars; a cursor in it is moved by pointer and arrow keys, and says value and origin. */
function Strip({ head, most }: StripProps) {
  const size = head.z.length;
  const componentOf = (place: typeof cursor.value) => (place?.head === head.head ? place.component : null);
  const at = componentOf(cursor.value);
  const show = (component: number) => pointAt({ head: head.head, component });
  const onKey = (event: KeyboardEvent) => {
    const next = moveIndex(event.key, componentOf(cursor.peek()) ?? -1, size);
    if (next === null) return;
    event.preventDefault();
    show(Math.max(0, next));
  };
  return (
    <div
      class="z-strip"
      role="slider"
      tabIndex={0}
      aria-label={t("z_of_head", { head: head.head })}
      aria-valuemin={0}
      aria-valuemax={size - 1}
      aria-valuenow={at ?? 0}
      aria-valuetext={t("z_component", { component: at ?? 0, value: signed(head.z[at ?? 0]!) })}
      onKeyDown={onKey}
      onFocus={() => at === null && show(0)}
      onPointerMove={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        const component = Math.floor(((event.clientX - box.left) / box.width) * size);
        if (component !== at && component >= 0 && component < size) show(component);
      }}
    >
      <svg viewBox={`0 0 ${size} 2`} preserveAspectRatio="none" aria-hidden="true">
        <line class="zero-line" x1="0" x2={size} y1="1" y2="1" />
        {at !== null && <rect class="z-cursor" x={at} y="0" width="1" height="2" />}
        <path class="bars" d={barsPath(head.z, most)} />
      </svg>
    </div>
  );
}

function HeadPart({ head, most, layer }: StripProps & { readonly layer: number }) {
  const gate = gateOf(layer, head.head);
  const on = gate > 0;
  return (
    <div
      class={gate < 1 ? "z-part off" : "z-part"}
      data-z={head.head}
      data-gate={gate}
      style={{ "--head": headColour(head.head, theme.value), "--gate": gate }}
    >
      <div class="z-top">
        <button
          type="button"
          class="head-switch"
          role="switch"
          aria-checked={on}
          aria-label={t("head_switch", { head: head.head })}
          onClick={() => setGate(layer, head.head, on ? 0 : 1)}
        >
          <span class="swatch" aria-hidden="true" />
          {head.head}
        </button>
        <input
          type="range"
          min="0"
          max="1"
          step="0.05"
          value={gate}
          aria-label={t("head_gate", { head: head.head })}
          title={t("head_gate", { head: head.head })}
          onInput={(event) => setGate(layer, head.head, Number(event.currentTarget.value))}
        />
      </div>
      <Strip head={head} most={most} />
    </div>
  );
}

export function HeadParts({ current }: { readonly current: Concat }) {
  const most = largest(current.heads.map((head) => head.z));
  const width = current.heads.reduce((sum, head) => sum + head.z.length, 0);
  return (
    <div class="concat-block">
      <h3>{t("concat_step", { heads: current.heads.length, dim: current.heads[0]?.z.length ?? 0, width })}</h3>
      <p class="hint">{t("concat_hint")}</p>
      <div class="z-parts" onPointerLeave={() => pointAt(null)}>
        {current.heads.map((head) => (
          <HeadPart key={head.head} head={head} most={most} layer={current.layer} />
        ))}
      </div>
      <Formula current={current} />
    </div>
  );
}

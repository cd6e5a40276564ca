// How much every head of every layer differs: where to look. Only where both sides number the same heads.
import { t } from "../i18n/index.ts";
import { SavePicture } from "../lab/SavePicture.tsx";
import { shortNumber } from "../maths/rows.ts";
import { navigate } from "../state/address.ts";
import { layer, chosenHead, trace } from "../state/session.ts";
import { focusWithin, moveIndex } from "../ui/roving.ts";
import { captionOfB, everywhere, traceB } from "./state.ts";

function Cell({ ofLayer, head, tv, stop }: { readonly ofLayer: number; readonly head: number; readonly tv: number; readonly stop: boolean }) {
  const here = ofLayer === layer.value && head === chosenHead.value;
  const name = t("compare_cell", { layer: ofLayer, head, tv: shortNumber(tv) });
  return (
    <button
      type="button"
      class={here ? "tv-cell chosen" : "tv-cell"}
      data-tv-cell={`${ofLayer}.${head}`}
      data-value={tv}
      aria-label={name}
      aria-pressed={here}
      title={name}
      tabIndex={stop ? 0 : -1}
      style={{ "--tv": tv ** 0.7 }}
      onClick={() => navigate({ layer: ofLayer, layer2: null, head }, "push")}
    >
      {tv >= 0.005 ? shortNumber(tv).replace(/\d$/, "") : "·"}
    </button>
  );
}

export function Everywhere() {
  if (trace.value?.model.name !== traceB.value?.model.name) return <p class="hint">{t("compare_no_grid")}</p>;
  const all = everywhere.value;
  const heads = trace.value?.model.n_heads ?? 1;
  const stop = layer.value * heads + (chosenHead.value ?? 0);
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const cells = [...event.currentTarget.querySelectorAll(".tv-cell")];
    const at = cells.indexOf(document.activeElement as Element);
    const next = at < 0 ? null : moveIndex(event.key, at, cells.length, heads);
    if (next === null) return;
    event.preventDefault();
    focusWithin(event.currentTarget, ".tv-cell", next);
  };
  return (
    <section class="everywhere" aria-labelledby="everywhere-title">
      <h2 id="everywhere-title">{t("compare_everywhere")}</h2>
      <p class="hint">{t("compare_everywhere_hint")}</p>
      <div class="tv-grid scroll" role="group" aria-labelledby="everywhere-title" aria-busy={all === null} style={{ "--columns": heads }} onKeyDown={onKey}>
        {(all ?? []).map((row, ofLayer) => (
          <div key={ofLayer} class={ofLayer === layer.value ? "tv-row here" : "tv-row"}>
            <span class="overview-layer" aria-hidden="true">
              {ofLayer}
            </span>
            {row.map((tv, head) => (
              <Cell key={head} ofLayer={ofLayer} head={head} tv={tv} stop={ofLayer * heads + head === stop} />
            ))}
          </div>
        ))}
      </div>
      {all && <SavePicture of=".everywhere" name="compare-layers" more={captionOfB.value} />}
    </section>
  );
}

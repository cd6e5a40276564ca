import type { HeadRow } from "../api/types.ts";
import { HeadEvidence } from "../evidence/HeadEvidence.tsx";
import { t } from "../i18n/index.ts";
import { cardRows, light } from "../state/light.ts";
import { theme } from "../state/preferences.ts";
import { chooseHead, hoveredHead, pinnedHead, trace } from "../state/session.ts";
import { headColour } from "../ui/colour.ts";
import { RowNumbers } from "./RowNumbers.tsx";
import { RowPicture } from "./RowPicture.tsx";
import { HiddenMass, Spread, Strongest, Total } from "./RowSummary.tsx";
import { SavePicture } from "./SavePicture.tsx";

interface HeadCardProps {
  readonly layer: number;
  readonly head: HeadRow;
}

export function HeadCard({ layer, head }: HeadCardProps) {
  const shared = (trace.value?.model.n_kv_heads ?? 0) < (trace.value?.model.n_heads ?? 0);
  const pinned = pinnedHead.value === head.head;
  const name = t("head_card", { layer, head: head.head });
  // Without light until the engine has said what it stands for.
  const { row, total } = cardRows.value?.[head.head] ?? { row: [], total: 0 };
  return (
    <article
      class={pinned ? "card pinned" : "card"}
      data-head={head.head}
      data-kv-head={head.kv_head}
      aria-label={name}
      style={{ "--head": headColour(head.head, theme.value) }}
      onPointerEnter={() => (hoveredHead.value = head.head)}
      onPointerLeave={() => (hoveredHead.value = null)}
      onFocusCapture={() => (hoveredHead.value = head.head)}
      onBlurCapture={() => (hoveredHead.value = null)}
      onKeyDown={(event) => event.key === "Escape" && pinned && chooseHead(layer, null)}
    >
      <header class="card-top">
        <h3>
          <button
            type="button"
            class="card-name"
            aria-pressed={pinned}
            aria-label={t(pinned ? "unpin_head" : "pin_head", { head: head.head })}
            onClick={() => chooseHead(layer, pinned ? null : head.head)}
          >
            <span class="swatch" aria-hidden="true" />
            {t("head_name", { head: head.head })}
          </button>
        </h3>
        {shared && <span class="kv-badge">{t("kv_badge", { kv: head.kv_head })}</span>}
        <Strongest row={row} />
      </header>
      <RowPicture id={`beam-${head.head}`} row={row} />
      <HiddenMass row={row} />
      <HeadEvidence layer={layer} head={head.head} />
      <footer class="card-foot">
        {light.value === "weights" ? <Spread entropy={head.entropy} /> : <Total total={total} queries={row.length} />}
        <RowNumbers row={row} caption={name} />
        <SavePicture of=".card" name={`head-${head.head}`} />
      </footer>
    </article>
  );
}

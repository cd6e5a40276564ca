import type { HeadRow } from "../api/types.ts";
import { HeadEvidence } from "../evidence/HeadEvidence.tsx";
import { t } from "../i18n/index.ts";
import { cardRow, light } from "../state/light.ts";
import { theme } from "../state/preferences.ts";
import { chooseHead, chosenHead, hoveredHead, rows, trace } from "../state/session.ts";
import { headColour } from "../ui/colour.ts";
import { PinButton } from "./PinButton.tsx";
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
  const here = rows.value?.layer === layer;
  const chosen = here && chosenHead.value === head.head;
  const name = t("head_card", { layer, head: head.head });
  // Without light until the engine has said what it stands for.
  const { row, total } = cardRow({ layer, head: head.head }) ?? { row: [], total: 0 };
  return (
    <article
      class={chosen ? "card chosen" : "card"}
      data-card={`${layer}.${head.head}`}
      data-head={head.head}
      data-kv-head={head.kv_head}
      aria-label={name}
      style={{ "--head": headColour(head.head, theme.value) }}
      onPointerEnter={() => (hoveredHead.value = { layer, head: head.head })}
      onPointerLeave={() => (hoveredHead.value = null)}
      onFocusCapture={() => (hoveredHead.value = { layer, head: head.head })}
      onBlurCapture={() => (hoveredHead.value = null)}
      onKeyDown={(event) => event.key === "Escape" && chosen && chooseHead(layer, null)}
    >
      <header class="card-top">
        <h3>
          <button
            type="button"
            class="card-name"
            aria-pressed={chosen}
            aria-label={t(chosen ? "unlight_head" : "light_head", { name })}
            onClick={() => chooseHead(layer, chosen ? null : head.head)}
          >
            <span class="swatch" aria-hidden="true" />
            {here ? t("head_name", { head: head.head }) : name}
          </button>
        </h3>
        <PinButton layer={layer} head={head.head} />
        {shared && <span class="kv-badge">{t("kv_badge", { kv: head.kv_head })}</span>}
        <Strongest row={row} />
      </header>
      <RowPicture id={`beam-${layer}-${head.head}`} row={row} />
      <HiddenMass row={row} />
      <HeadEvidence layer={layer} head={head.head} />
      <footer class="card-foot">
        {light.value === "weights" ? <Spread entropy={head.entropy} /> : <Total total={total} queries={row.length} />}
        <RowNumbers row={row} caption={name} />
        <SavePicture of=".card" name={here ? `head-${head.head}` : `head-${layer}.${head.head}`} />
      </footer>
    </article>
  );
}

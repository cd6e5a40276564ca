// Every head of the open layer by number and by the word that it reads most: which have a card, and which to pin.
import type { HeadRow } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { isPinned } from "../maths/pins.ts";
import { strongest } from "../maths/rows.ts";
import { cards, everyCard, kCards, pinHead, showEveryCard } from "../state/cards.ts";
import { theme } from "../state/preferences.ts";
import { hoveredHead, isShown, pins, rows, tokens } from "../state/session.ts";
import { headColour } from "../ui/colour.ts";
import { focusWithin, moveIndex } from "../ui/roving.ts";

interface ChipProps {
  readonly layer: number;
  readonly head: HeadRow;
  readonly onShow: boolean;
  readonly tabStop: boolean;
}

function HeadChip({ layer, head: { head, row }, onShow, tabStop }: ChipProps) {
  const pinned = isPinned(pins.value, layer, head);
  const target = strongest(row, isShown, 1)[0];
  const word = target ? (tokens.value[target.index]?.text ?? "") : "–";
  return (
    <button
      type="button"
      class={onShow ? "head-chip on-show" : "head-chip"}
      data-chip={`${layer}.${head}`}
      aria-pressed={pinned}
      aria-label={t(pinned ? "chip_pinned" : onShow ? "chip_shown" : "chip_hidden", { head, word })}
      title={t(pinned ? "unpin_head" : "pin_head", { layer, head })}
      tabIndex={tabStop ? 0 : -1}
      style={{ "--head": headColour(head, theme.value) }}
      onClick={() => pinHead({ layer, head })}
      onPointerEnter={() => (hoveredHead.value = { layer, head })}
      onPointerLeave={() => (hoveredHead.value = null)}
    >
      <span class="swatch" aria-hidden="true" />
      {head} <span class="head-chip-word">{word}</span>
    </button>
  );
}

function walk(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const chips = [...event.currentTarget.querySelectorAll(".head-chip")];
  const at = chips.indexOf(document.activeElement as Element);
  const next = at < 0 ? null : moveIndex(event.key, at, chips.length);
  if (next === null) return;
  event.preventDefault();
  focusWithin(event.currentTarget, ".head-chip", next);
}

export function HeadBar() {
  const current = rows.value;
  if (!current) return null;
  const shown = new Set((cards.value ?? []).filter((one) => one.layer === current.layer).map((one) => one.head));
  const count = current.heads.length;
  return (
    <div class="head-bar">
      <span class="layers-label" id="head-bar-label">
        {t("cards_label")}
      </span>
      <div class="head-chips" role="group" aria-labelledby="head-bar-label" onKeyDown={walk}>
        {current.heads.map((head, index) => (
          <HeadChip key={head.head} layer={current.layer} head={head} onShow={shown.has(head.head)} tabStop={index === 0} />
        ))}
      </div>
      {count > kCards && (
        <button id="all-cards" type="button" class="quiet" aria-pressed={everyCard.value} onClick={() => showEveryCard(!everyCard.value)}>
          {everyCard.value ? t("cards_four", { count: kCards }) : t("cards_all", { count })}
        </button>
      )}
      <p class="hint head-bar-hint">
        {shown.size < count ? t("cards_some", { shown: shown.size, count }) : t("cards_every", { count })} {t("cards_hint")}
      </p>
    </div>
  );
}

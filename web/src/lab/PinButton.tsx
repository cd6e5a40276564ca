// Keeps a head's card on show whatever layer is open, or lets it go.
import { t } from "../i18n/index.ts";
import { isPinned, type HeadPlace } from "../maths/pins.ts";
import { pinHead } from "../state/cards.ts";
import { pins } from "../state/session.ts";

export function PinButton({ layer, head }: HeadPlace) {
  const pinned = isPinned(pins.value, layer, head);
  const label = t(pinned ? "unpin_head" : "pin_head", { layer, head });
  return (
    <button type="button" class="pin" data-no-picture aria-pressed={pinned} aria-label={label} title={label} onClick={() => pinHead({ layer, head })}>
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <path d="M6 2h4l-.6 4 2.6 2.4V10H4V8.4L6.6 6z" stroke="currentColor" stroke-width="1.2" stroke-linejoin="round" />
        <path d="M8 10v4.2" fill="none" stroke="currentColor" stroke-width="1.2" stroke-linecap="round" />
      </svg>
    </button>
  );
}

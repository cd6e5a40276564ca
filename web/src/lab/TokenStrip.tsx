// The sentence as a row of tokens: the chosen one is the lamp. Hover previews, click and arrow keys choose.
import type { ShownToken } from "../maths/tokens.ts";
import { rich, t } from "../i18n/index.ts";
import {
  activeKey,
  chooseQuery,
  chosenQuery,
  hideSpecial,
  hoveredHead,
  hoveredQuery,
  isShown,
  chosenHead,
  fetchAhead,
  layer,
  query,
  tokens,
} from "../state/session.ts";
import { navigate } from "../state/address.ts";
import { cardRow, light } from "../state/light.ts";
import { theme } from "../state/preferences.ts";
import { headColour } from "../ui/colour.ts";
import { focusWithin, moveIndex } from "../ui/roving.ts";

/** The row that lights up the sentence: the head under the pointer, else the chosen one, else none. */
function litRow(): { colour: string; row: readonly number[] } | null {
  const chosen = chosenHead.value === null ? null : { layer: layer.value, head: chosenHead.value };
  const place = hoveredHead.value ?? chosen;
  const row = place && cardRow(place)?.row;
  return row ? { colour: headColour(place.head, theme.value), row } : null;
}

interface ChipProps {
  readonly token: ShownToken;
  readonly light: number;
  readonly chosen: boolean;
  readonly lit: boolean;
}

function Chip({ token, light, chosen, lit }: ChipProps) {
  const classes = ["chip", token.special && "special", token.readAs && "unknown", token.joined && "joined", lit && "lit"].filter(Boolean);
  return (
    <button
      type="button"
      role="radio"
      class={classes.join(" ")}
      data-token={token.index}
      aria-checked={chosen}
      tabIndex={chosen ? 0 : -1}
      title={t("token_title", { index: token.index, piece: token.piece, id: token.id })}
      style={{ "--light": light.toFixed(3) }}
      onClick={() => chooseQuery(token.index)}
      onPointerEnter={(event) => event.pointerType === "mouse" && (hoveredQuery.value = token.index)}
    >
      {token.text}
    </button>
  );
}

/** A hidden token that is the chosen one stays: the choice must be seen. */
function shownInStrip(token: ShownToken): boolean {
  return isShown(token.index) || token.index === chosenQuery.value;
}

function onKey(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const shown = tokens.value.filter(shownInStrip);
  const at = shown.findIndex((token) => token.index === chosenQuery.value);
  const next = moveIndex(event.key, at, shown.length);
  if (next === null) return;
  event.preventDefault();
  chooseQuery(shown[next]!.index);
  fetchAhead(shown[2 * next - at]?.index);
  focusWithin(event.currentTarget, "[role=radio]", next);
}

const kLines = { weights: "one_line", norms: "one_line_norms", readers: "one_line_readers" } as const;

export function TokenStrip() {
  const lit = litRow();
  const word = tokens.value[query.value]?.text ?? "";
  const unknown = tokens.value.find((token) => token.readAs !== null);
  const hasSpecial = tokens.value.some((token) => token.special);
  return (
    <div class="strip-block">
      <p class="hint" id="strip-hint">
        {t("strip_hint")}
        {tokens.value.length > 1 && (
          <label class="toggle">
            <input
              id="hide-special"
              type="checkbox"
              checked={hideSpecial.value}
              onChange={(event) => navigate({ hideSpecial: event.currentTarget.checked }, "replace")}
            />
            {t(hasSpecial ? "hide_special" : "hide_first")}
          </label>
        )}
      </p>
      <div
        class="strip"
        role="radiogroup"
        aria-label={t("strip_label")}
        aria-describedby="strip-hint"
        style={{ "--head": lit?.colour ?? "transparent" }}
        onKeyDown={onKey}
        onPointerLeave={() => {
          hoveredQuery.value = null;
          activeKey.value = null;
        }}
      >
        {tokens.value.map((token) =>
          shownInStrip(token) ? (
            <Chip
              key={token.index}
              token={token}
              light={lit?.row[token.index] ?? 0}
              chosen={token.index === chosenQuery.value}
              lit={token.index === query.value}
            />
          ) : null,
        )}
      </div>
      {unknown && <p class="hint unknown-note">{t("unknown", { word: unknown.text, piece: unknown.readAs ?? "" })}</p>}
      <p class="one-line">{rich(kLines[light.value], { word: <b class="lit-word">{word}</b> })}</p>
    </div>
  );
}

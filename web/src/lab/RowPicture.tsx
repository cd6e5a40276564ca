// One pattern row as a picture: the lamp at the query token, a cone of light and a bar for every token.
// The picture is a list: the up and down keys walk it, and the token under the pointer or the key is
// marked in every card at once, so that heads can be compared word by word.
import { useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { kFaint, shortNumber } from "../maths/rows.ts";
import type { ShownToken } from "../maths/tokens.ts";
import { activeKey, isShown, query, tokens, trace } from "../state/session.ts";
import { Beams } from "../ui/Beams.tsx";

const kRowHeight = 20;
const kBeamWidth = 76;

/** Weights from here on have their number printed; the others show it on hover and on focus. */
const kPrinted = 0.1;

interface LineProps {
  readonly token: ShownToken;
  readonly weight: number;
  readonly isQuery: boolean;
  readonly unseen: boolean;
}

function Line({ token, weight, isQuery, unseen }: LineProps) {
  const classes = ["line", isQuery && "is-query", token.special && "special", unseen && "unseen"].filter(Boolean);
  return (
    <li
      class={classes.join(" ")}
      data-key={token.index}
      data-value={weight}
      data-faint={weight < kFaint ? "" : undefined}
      data-printed={weight >= kPrinted ? "" : undefined}
      title={unseen ? t("not_visible") : `${token.text}: ${weight}`}
      onPointerEnter={() => (activeKey.value = token.index)}
    >
      <span class="line-fill" style={{ width: `${100 * Math.min(1, weight)}%` }} />
      <span class="line-word">{token.text}</span>
      <span class="line-number">{unseen ? "–" : shortNumber(weight)}</span>
    </li>
  );
}

function walk(event: KeyboardEvent, shown: readonly ShownToken[]): void {
  const change = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (event.key === "Escape") activeKey.value = null;
  if (change === undefined) return;
  event.preventDefault();
  const at = shown.findIndex((token) => token.index === activeKey.value);
  const start = at < 0 ? shown.findIndex((token) => token.index === query.value) - change : at;
  activeKey.value = shown[Math.min(shown.length - 1, Math.max(0, start + change))]!.index;
}

interface RowPictureProps {
  readonly id: string;
  readonly row: readonly number[];
}

export function RowPicture({ id, row }: RowPictureProps) {
  const list = useRef<HTMLOListElement>(null);
  const lookedFrom = query.value;
  const shown = tokens.value.filter((token) => isShown(token.index) || token.index === lookedFrom);
  const causal = trace.value?.model.causal ?? false;
  const lampRow = shown.findIndex((token) => token.index === lookedFrom);

  // Marked outside of the render: with many heads and tokens only two lines of a card change.
  useSignalEffect(() => {
    const key = activeKey.value;
    list.current?.querySelector("[data-active]")?.removeAttribute("data-active");
    const line = list.current?.querySelector(`[data-key="${key}"]`);
    line?.setAttribute("data-active", "");
    if (list.current?.contains(document.activeElement)) line?.scrollIntoView({ block: "nearest" });
  });

  const weights = shown.map((token) => (isShown(token.index) ? (row[token.index] ?? 0) : 0));
  return (
    <div class="row-picture" onPointerLeave={() => (activeKey.value = null)}>
      <Beams id={id} width={kBeamWidth} weights={weights} rowHeight={kRowHeight} lampY={(lampRow + 0.5) * kRowHeight} />
      <ol
        ref={list}
        class="lines"
        tabIndex={0}
        aria-label={t("picture_of_row", { word: tokens.value[lookedFrom]?.text ?? "" })}
        onKeyDown={(event) => walk(event, shown)}
        onBlur={() => (activeKey.value = null)}
      >
        {shown.map((token) => (
          <Line
            key={token.index}
            token={token}
            weight={row[token.index] ?? 0}
            isQuery={token.index === lookedFrom}
            unseen={causal && token.index > lookedFrom}
          />
        ))}
      </ol>
    </div>
  );
}

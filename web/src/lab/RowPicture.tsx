// One pattern row as a picture: the lamp at the query token, a cone of light and a bar for every token.
// The picture is a list: the up and down keys walk it, and the token under the pointer or the key is
// marked in every card at once, so that heads can be compared word by word.
import { useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { foldRow, type FoldedLine } from "../maths/fold.ts";
import { kFaint, kStrong, shortNumber } from "../maths/rows.ts";
import type { ShownToken } from "../maths/tokens.ts";
import { light } from "../state/light.ts";
import { activeKey, drawnQuery, isShown, tokens, trace } from "../state/session.ts";
import { Beams } from "../ui/Beams.tsx";

const kRowHeight = 20;
const kBeamWidth = 76;

interface TokenLineProps {
  readonly id: string;
  readonly token: ShownToken;
  readonly weight: number;
  readonly isQuery: boolean;
  readonly unseen: boolean;
}

function TokenLine({ id, token, weight, isQuery, unseen }: TokenLineProps) {
  const classes = ["line", isQuery && "is-query", token.special && "special", unseen && "unseen"].filter(Boolean);
  return (
    <li
      id={id}
      role="option"
      aria-label={`${token.text} ${shortNumber(weight)}`}
      class={classes.join(" ")}
      data-key={token.index}
      data-value={weight}
      data-faint={weight < kFaint ? "" : undefined}
      data-printed={weight >= kStrong ? "" : undefined}
      title={unseen ? t(light.value === "readers" ? "not_reading" : "not_visible") : `${token.text}: ${weight}`}
      onPointerEnter={() => (activeKey.value = token.index)}
    >
      <span class="line-fill" style={{ width: `${100 * Math.min(1, weight)}%` }} />
      <span class="line-word">{token.text}</span>
      <span class="line-number">{unseen ? "–" : shortNumber(weight)}</span>
    </li>
  );
}

function GapLine({ count, mass }: { readonly count: number; readonly mass: number }) {
  return (
    <li role="presentation" class="line gap" data-gap={count} data-value={mass} title={t("gap_meaning")}>
      <span class="line-word">{t("gap", { count })}</span>
      <span class="line-number">{shortNumber(mass)}</span>
    </li>
  );
}

/** Moves the mark to the next token of this card, starting beside the query token. */
function walk(event: KeyboardEvent, lines: readonly FoldedLine[]): void {
  const change = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (event.key === "Escape") activeKey.value = null;
  if (change === undefined) return;
  event.preventDefault();
  const indices = lines.flatMap((line) => (line.kind === "token" ? [line.index] : []));
  const at = indices.indexOf(activeKey.value ?? drawnQuery.value);
  activeKey.value = indices[Math.min(indices.length - 1, Math.max(0, at + change))] ?? null;
}

const kPictures = { weights: "picture_of_row", norms: "picture_of_norms", readers: "picture_of_readers" } as const;

interface RowPictureProps {
  readonly id: string;
  readonly row: readonly number[];
}

export function RowPicture({ id, row }: RowPictureProps) {
  const list = useRef<HTMLOListElement>(null);
  const lookedFrom = drawnQuery.value;
  const causal = trace.value?.model.causal ?? false;
  const indices = tokens.value.map((token) => token.index).filter(isShown);
  const lines = foldRow(row, indices, lookedFrom);
  const lampLine = lines.findIndex((line) => line.kind === "token" && line.index === lookedFrom);

  // Marked outside of the render: with many heads and tokens only two lines of a card change.
  useSignalEffect(() => {
    const key = activeKey.value;
    list.current?.querySelector("[data-active]")?.removeAttribute("data-active");
    const line = key === null ? null : list.current?.querySelector(`[data-key="${key}"]`);
    line?.setAttribute("data-active", "");
    if (line) list.current?.setAttribute("aria-activedescendant", line.id);
    else list.current?.removeAttribute("aria-activedescendant");
  });

  const weights = lines.map((line) => (line.kind === "token" ? (row[line.index] ?? 0) : 0));
  return (
    <div class="row-picture" onPointerLeave={() => (activeKey.value = null)}>
      <Beams
        id={id}
        width={kBeamWidth}
        weights={weights}
        rowHeight={kRowHeight}
        lampY={(lampLine + 0.5) * kRowHeight}
      />
      <ol
        ref={list}
        class="lines"
        role="listbox"
        tabIndex={0}
        aria-label={t(kPictures[light.value], { word: tokens.value[lookedFrom]?.text ?? "" })}
        onKeyDown={(event) => walk(event, lines)}
        onBlur={() => (activeKey.value = null)}
      >
        {lines.map((line) =>
          line.kind === "gap" ? (
            <GapLine key={`gap ${line.from}`} count={line.count} mass={line.mass} />
          ) : (
            <TokenLine
              key={line.index}
              id={`${id}-${line.index}`}
              token={tokens.value[line.index]!}
              weight={row[line.index] ?? 0}
              isQuery={line.index === lookedFrom}
              unseen={causal && (light.value === "readers" ? line.index < lookedFrom : line.index > lookedFrom)}
            />
          ),
        )}
      </ol>
    </div>
  );
}

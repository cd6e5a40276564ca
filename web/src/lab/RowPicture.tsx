// One pattern row as a picture: the lamp at the query token, a cone of light and a bar for every token.
// The picture is a list: the up and down keys walk it, and the token under the pointer or the key is
// marked in every card at once, so that heads can be compared word by word.
import { useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { foldRow, type FoldedLine } from "../maths/fold.ts";
import { kFaint, kStrong, shortNumber } from "../maths/rows.ts";
import type { ShownToken } from "../maths/tokens.ts";
import { light } from "../state/light.ts";
import { activeKey, drawnQuery, isShown, tokens, trace } from "../state/session.ts";
import { BeamLight, Lamp } from "../ui/Beams.tsx";
import { barsOf, kBeamWidth, kRowHeight, lineOf, markLine, writeBeams, writeLines, type RowLine } from "./row_lines.ts";

/** Words longer than this are cut where the number begins. */
const kLongWord = 12;

interface LineSource {
  readonly row: readonly number[];
  readonly lookedFrom: number;
  readonly unseen: (token: number) => boolean;
}

function tokenLine(token: ShownToken, { row, lookedFrom, unseen }: LineSource): RowLine {
  const weight = row[token.index] ?? 0;
  const hidden = unseen(token.index);
  const classes = [
    "row-line",
    token.index === lookedFrom && "is-query",
    token.special && "special",
    hidden ? "unseen" : weight < kFaint && "faint",
    token.text.length > kLongWord && "long",
  ];
  const number = hidden ? "–" : shortNumber(weight);
  return {
    token: token.index,
    word: token.text,
    weight,
    number,
    printed: weight >= kStrong,
    classes: classes.filter(Boolean).join(" "),
    label: `${token.text} ${number}`,
    title: hidden ? t(light.value === "readers" ? "not_reading" : "not_visible") : `${token.text}: ${weight}`,
  };
}

function rowLine(line: FoldedLine, source: LineSource): RowLine {
  if (line.kind === "token") return tokenLine(tokens.value[line.index]!, source);
  const [word, number] = [t("gap", { count: line.count }), shortNumber(line.mass)];
  return { token: null, word, weight: line.mass, number, printed: true, classes: "row-line gap", label: `${word} ${number}`, title: t("gap_meaning") };
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

/** The token under the pointer is marked; what there is to say of it is written when it is asked for. */
function point(event: PointerEvent): void {
  const found = lineOf(event.target);
  if (!found) return;
  found.item.title = found.line.title;
  if (found.line.token !== null) activeKey.value = found.line.token;
}

const kPictures = { weights: "picture_of_row", norms: "picture_of_norms", readers: "picture_of_readers" } as const;

interface RowPictureProps {
  readonly id: string;
  readonly row: readonly number[];
}

export function RowPicture({ id, row }: RowPictureProps) {
  const list = useRef<HTMLOListElement>(null);
  const cones = useRef<SVGGElement>(null);
  const lookedFrom = drawnQuery.value;
  const causal = trace.value?.model.causal ?? false;
  const reversed = light.value === "readers";
  const unseen = (token: number) => causal && (reversed ? token < lookedFrom : token > lookedFrom);
  const lines = foldRow(row, tokens.value.map((token) => token.index).filter(isShown), lookedFrom);
  const weights = lines.map((line) => (line.kind === "token" ? (row[line.index] ?? 0) : 0));
  const lampLine = lines.findIndex((line) => line.kind === "token" && line.index === lookedFrom);
  const written = lines.map((line) => rowLine(line, { row, lookedFrom, unseen }));

  useLayoutEffect(() => {
    if (!list.current || !cones.current) return;
    writeLines(list.current, written, id);
    writeBeams(cones.current, weights, lampLine, `url(#${id})`);
    markLine(list.current, activeKey.peek());
  });
  useSignalEffect(() => {
    const key = activeKey.value;
    if (list.current) markLine(list.current, key);
  });

  const height = lines.length * kRowHeight;
  const lampY = (lampLine + 0.5) * kRowHeight;
  return (
    <div class="row-picture" onPointerLeave={() => (activeKey.value = null)}>
      <svg class="beams" width={kBeamWidth} height={height} aria-hidden="true">
        <BeamLight id={id} width={kBeamWidth} />
        <g ref={cones} />
        <Lamp y={lampY} />
      </svg>
      <div class="row-box" style={{ height }}>
        <svg class="row-bars" viewBox={`0 0 1 ${height}`} preserveAspectRatio="none" aria-hidden="true">
          <path d={barsOf(weights)} />
        </svg>
        <ol
          ref={list}
          class="row-lines"
          role="listbox"
          tabIndex={0}
          aria-label={t(kPictures[light.value], { word: tokens.value[lookedFrom]?.text ?? "" })}
          onPointerOver={point}
          onKeyDown={(event) => walk(event, lines)}
          onBlur={() => (activeKey.value = null)}
        />
      </div>
    </div>
  );
}

// Every head's row on both sides: A's bar stands on the line, B's hangs from it, and the field behind them is
// coloured by the difference. It is a table, so that it can be read without seeing it; a cursor walks it.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import type { Column } from "../maths/align.ts";
import { drawnColumns, weightsAt, type HeadPair } from "../maths/difference.ts";
import { kStrong, shortNumber } from "../maths/rows.ts";
import { fixed } from "../maths/vectors.ts";
import { navigate } from "../state/address.ts";
import { touchWork } from "../state/idle.ts";
import { theme } from "../state/preferences.ts";
import { chosenQuery, hideSpecial, chosenHead, tokens } from "../state/session.ts";
import { headColour } from "../ui/colour.ts";
import { differenceColour, sideColour } from "../ui/diverging.ts";
import { ColumnNames, nameOf } from "./ColumnNames.tsx";
import { Legend } from "./Legend.tsx";
import { NumbersOfBoth } from "./NumbersOfBoth.tsx";
import { alignment, numbered, queryB, tokensB } from "./state.ts";

const kMostColumns = 20;

/** A difference with its sign, short: "−.26". */
export function signedShort(difference: number): string {
  const text = shortNumber(Math.abs(difference));
  if (text === ".000") return "0";
  return `${difference < 0 ? "−" : "+"}${text}`;
}

function isSpecial({ a, b }: Column): boolean {
  return Boolean(a === null ? tokensB.value[b!]?.special : tokens.value[a]?.special);
}

function columnsFor(pairs: readonly HeadPair[]): Column[] {
  const keep = (column: Column) => column.a === chosenQuery.value || column.b === queryB.value;
  const candidates = alignment.value.columns.filter((column) => keep(column) || !(hideSpecial.value && isSpecial(column)));
  return drawnColumns(pairs, candidates, kMostColumns, keep);
}

interface CellProps {
  readonly pair: HeadPair;
  readonly column: Column;
  readonly here: boolean;
  readonly point: () => void;
}

function Cell({ pair, column, here, point }: CellProps) {
  const [p, q] = weightsAt(pair.a?.row ?? [], pair.b?.row ?? [], column);
  const both = pair.a !== null && pair.b !== null;
  return (
    <td
      class={here ? "pair-cell here" : "pair-cell"}
      data-a={p}
      data-b={q}
      style={{ "--a": p, "--b": q, background: both ? differenceColour(q - p, theme.value) : "none" }}
      onPointerEnter={point}
    >
      {column.a !== null && pair.a && <span class="pair-up" />}
      {column.b !== null && pair.b && <span class="pair-down" />}
      <span class="hidden-text">{`${shortNumber(p)} ${shortNumber(q)} ${both ? signedShort(q - p) : ""}`}</span>
    </td>
  );
}

function HeadNames({ pair }: { readonly pair: HeadPair }) {
  const [a, b] = [pair.a?.head ?? null, pair.b?.head ?? null];
  const swatch = (head: number) => <span class="swatch" aria-hidden="true" style={{ "--head": headColour(head, theme.value) }} />;
  if (a !== null && (numbered.value || b === null))
    return (
      <>
        {swatch(a)} {t("head_name", { head: a })}
        {!numbered.value && " (A)"}
      </>
    );
  if (a === null) return b === null ? null : <>{swatch(b)} {t("head_name", { head: b })} (B)</>;
  return (
    <>
      {swatch(a)} A {a} {swatch(b!)} B {b}
    </>
  );
}

interface LineProps {
  readonly pair: HeadPair;
  readonly columns: readonly Column[];
  readonly cursor: number | null;
  readonly point: (column: number) => void;
}

/** What the columns that are not drawn hold together. */
function Rest({ pair, columns }: Pick<LineProps, "pair" | "columns">) {
  const drawn = new Set(columns);
  let [p, q] = [0, 0];
  for (const column of alignment.value.columns) {
    if (drawn.has(column)) continue;
    const [onA, onB] = weightsAt(pair.a?.row ?? [], pair.b?.row ?? [], column);
    [p, q] = [p + onA, q + onB];
  }
  return (
    <td class="pair-rest" data-rest={p + q}>
      {shortNumber(p)} · {shortNumber(q)}
    </td>
  );
}

function Line({ pair, columns, cursor, point, rest }: LineProps & { readonly rest: boolean }) {
  const head = pair.a?.head ?? null;
  const chosen = head !== null && head === chosenHead.value;
  return (
    <tr class={chosen ? "chosen" : ""} data-pair={`${pair.a?.head ?? "-"}.${pair.b?.head ?? "-"}`} data-tv={pair.distance?.tv} data-jsd={pair.distance?.jsd}>
      <th scope="row">
        <button type="button" class="card-name" aria-pressed={chosen} disabled={head === null} onClick={() => navigate({ head: chosen ? null : head }, "replace")}>
          <HeadNames pair={pair} />
        </button>
        <span class="pair-distance">
          {pair.distance ? (
            <>
              <span class="tv-bar" style={{ "--tv": pair.distance.tv }} />
              {shortNumber(pair.distance.tv)}
            </>
          ) : (
            t("compare_no_partner")
          )}
        </span>
      </th>
      {columns.map((column, i) => (
        <Cell key={`${column.a} ${column.b}`} pair={pair} column={column} here={cursor === i} point={() => point(i)} />
      ))}
      {rest && <Rest pair={pair} columns={columns} />}
    </tr>
  );
}

/** What the cursor stands on, in words. */
function Readout({ pair, column }: { readonly pair: HeadPair | undefined; readonly column: Column | undefined }) {
  if (!pair || !column) return <p class="hint readout">{t("compare_readout_hint")}</p>;
  const [p, q] = weightsAt(pair.a?.row ?? [], pair.b?.row ?? [], column);
  const heads = [pair.a && `A ${pair.a.head}`, pair.b && `B ${pair.b.head}`].filter(Boolean).join(", ");
  return (
    <p class="readout" data-readout={q - p}>
      {t("compare_readout", {
        heads: pair.a && pair.b && numbered.value ? pair.a.head : heads,
        word: nameOf(column),
        a: column.a === null ? "–" : fixed(p, 4),
        b: column.b === null ? "–" : fixed(q, 4),
        difference: pair.distance ? fixed(q - p, 4) : "–",
      })}
      {Math.abs(q - p) >= kStrong && pair.distance && <b> {t(q > p ? "compare_b_more" : "compare_a_more")}</b>}
    </p>
  );
}

const kMoves: Readonly<Record<string, readonly [number, number]>> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export function Differences({ pairs }: { readonly pairs: readonly HeadPair[] }) {
  const cursor = useSignal<readonly [row: number, column: number] | null>(null);
  const columns = columnsFor(pairs);
  const hidden = alignment.value.columns.length - columns.length;
  const at = cursor.value;
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const move = kMoves[event.key];
    if (event.key === "Escape") cursor.value = null;
    if (!move || event.target !== event.currentTarget) return;
    event.preventDefault();
    touchWork();
    const within = (value: number, count: number) => Math.min(count - 1, Math.max(0, value));
    cursor.value = at ? [within(at[0] + move[0], pairs.length), within(at[1] + move[1], columns.length)] : [0, 0];
  };
  return (
    <div class="pairs" style={{ "--side-a": sideColour("a", theme.value), "--side-b": sideColour("b", theme.value) }}>
      <p class="hint">{t(numbered.value ? "compare_measure" : "compare_measure_likeness")}</p>
      {alignment.value.cut && <p class="hint">{t("compare_cut")}</p>}
      <div class="scroll pair-scroll" role="region" tabIndex={0} aria-label={t("compare_table")} onKeyDown={onKey} onPointerLeave={() => (cursor.value = null)}>
        <table class="pair-table" style={{ "--columns": columns.length }}>
          <caption class="hidden-text">{t("compare_table_caption")}</caption>
          <ColumnNames columns={columns} hidden={hidden} />
          <tbody>
            {pairs.map((pair, row) => (
              <Line
                key={`${pair.a?.head} ${pair.b?.head}`}
                pair={pair}
                columns={columns}
                rest={hidden > 0}
                cursor={at?.[0] === row ? at[1] : null}
                point={(column) => (cursor.value = [row, column])}
              />
            ))}
          </tbody>
        </table>
      </div>
      <div role="status" data-no-picture>
        <Readout pair={at ? pairs[at[0]] : undefined} column={at ? columns[at[1]] : undefined} />
      </div>
      <Legend />
      <NumbersOfBoth pairs={pairs} />
    </div>
  );
}

// One blended view against many: the average row above each head's own, and what the average buries.
import type { HeadRow, Rows } from "../api/types.ts";
import type { Key } from "../i18n/en.ts";
import { rich, t } from "../i18n/index.ts";
import { kStrong, shortNumber } from "../maths/rows.ts";
import { theme } from "../state/preferences.ts";
import { twin, twinRow } from "../state/twin.ts";
import { activeKey, chooseHead, isShownFrom, rowsBelow, tokens } from "../state/session.ts";
import { headColour } from "../ui/colour.ts";
import { SavePicture } from "./SavePicture.tsx";

const kMarks: Readonly<Record<string, { readonly sign: string; readonly name: Key }>> = {
  consensus: { sign: "◆", name: "readers_consensus" },
  shared: { sign: "◈", name: "readers_shared" },
  divided: { sign: "◇", name: "readers_divided" },
};

/** The columns worth a look: tokens that some head reads, and the query token itself. */
function columnsOf(current: Rows): number[] {
  return tokens.value
    .map((token) => token.index)
    .filter((index) => isShownFrom(current.query, index) && (current.readers[index] !== "none" || index === current.query));
}

function Cells({ row, columns }: { readonly row: readonly number[]; readonly columns: readonly number[] }) {
  const rest = row.reduce((sum, weight, index) => (columns.includes(index) ? sum : sum + weight), 0);
  return (
    <>
      {columns.map((index) => {
        const weight = row[index] ?? 0;
        return (
          <td
            key={index}
            data-weight={weight}
            class={weight >= kStrong ? "reads" : ""}
            style={{ "--light": Math.sqrt(Math.min(1, weight)).toFixed(3) }}
            onPointerEnter={() => (activeKey.value = index)}
          >
            {shortNumber(weight)}
          </td>
        );
      })}
      <td class="rest">{shortNumber(Math.max(0, rest))}</td>
    </>
  );
}

function HeadLine({ head, columns, layer }: { readonly head: HeadRow; readonly columns: readonly number[]; readonly layer: number }) {
  return (
    <tr data-blend-head={head.head} style={{ "--head": headColour(head.head, theme.value) }}>
      <th scope="row">
        <button type="button" class="card-name" onClick={() => chooseHead(layer, head.head)}>
          <span class="swatch" aria-hidden="true" />
          {t("head_name", { head: head.head })}
        </button>
      </th>
      <Cells row={head.row} columns={columns} />
    </tr>
  );
}

/** A model that really has one head: its row, where it has that layer. */
function TwinLine({ current, columns }: { readonly current: Rows; readonly columns: readonly number[] }) {
  const row = twinRow.value;
  if (row?.layer !== current.layer || row.query !== current.query) return null;
  return (
    <tr class="blend-twin" data-blend-twin={twin.value?.name} data-entropy={row.entropy}>
      <th scope="row">{t("twin_name")}</th>
      <Cells row={row.row} columns={columns} />
    </tr>
  );
}

function TwinNote({ current }: { readonly current: Rows }) {
  const row = twinRow.value;
  if (row?.layer !== current.layer || row.query !== current.query) return null;
  return (
    <p class="hint" data-twin-note>
      {t("twin_note", { name: twin.value?.name ?? "", entropy: row.entropy.toFixed(2), average: current.entropy_of_average.toFixed(2) })}
    </p>
  );
}

function ColumnNames({ current, columns }: { readonly current: Rows; readonly columns: readonly number[] }) {
  const left = tokens.value.filter((token) => isShownFrom(current.query, token.index)).length - columns.length;
  return (
    <tr>
      <th scope="col">
        <span class="hidden-text">{t("column_head")}</span>
      </th>
      {columns.map((index) => {
        const mark = kMarks[current.readers[index] ?? "none"];
        return (
          <th key={index} scope="col" data-readers={current.readers[index]} class={index === current.query ? "is-query" : ""}>
            <span class="blend-word">{tokens.value[index]?.text}</span>
            {mark && (
              <span class="blend-mark" title={t(mark.name)}>
                <span aria-hidden="true">{mark.sign}</span>
                <span class="hidden-text">{t(mark.name)}</span>
              </span>
            )}
          </th>
        );
      })}
      <th scope="col" class="rest">
        {t("blend_rest", { count: left })}
      </th>
    </tr>
  );
}

function Buried({ current }: { readonly current: Rows }) {
  const shown = current.buried.filter((one) => isShownFrom(current.query, one.token));
  if (shown.length === 0) return <p class="buried">{t("buried_none")}</p>;
  return (
    <div class="buried">
      <p>{t("buried_lead")}</p>
      <ul>
        {shown.map((one) => (
          <li key={one.head} data-buried={`${one.token}.${one.head}`} style={{ "--head": headColour(one.head, theme.value) }}>
            <span class="swatch" aria-hidden="true" />{" "}
            {rich("buried_word", {
              word: <b>{tokens.value[one.token]?.text}</b>,
              head: one.head,
              weight: shortNumber(one.weight),
              average: shortNumber(one.average),
            })}
          </li>
        ))}
      </ul>
    </div>
  );
}

export function BlendSection() {
  const current = rowsBelow.value;
  if (!current) return null;
  const columns = columnsOf(current);
  return (
    <section class="blend" aria-labelledby="blend-title">
      <h2 id="blend-title">{t("blend_title")}</h2>
      <p class="hint">{t("blend_lead")}</p>
      <p class="blend-numbers">
        {rich("blend_entropies", {
          average: <b data-value={current.entropy_of_average}>{current.entropy_of_average.toFixed(2)}</b>,
          mean: <b data-value={current.mean_of_entropies}>{current.mean_of_entropies.toFixed(2)}</b>,
          jsd: <b data-value={current.jsd}>{current.jsd.toFixed(2)}</b>,
          most: Math.log(current.heads.length).toFixed(2),
        })}
      </p>
      <div class="scroll" onPointerLeave={() => (activeKey.value = null)}>
        <table class="blend-table">
          <caption class="hidden-text">{t("blend_title")}</caption>
          <thead>
            <ColumnNames current={current} columns={columns} />
          </thead>
          <tbody>
            <tr class="blend-average" data-blend-average>
              <th scope="row">{t("average_title")}</th>
              <Cells row={current.average_of_heads} columns={columns} />
            </tr>
            <TwinLine current={current} columns={columns} />
            {current.heads.map((head) => (
              <HeadLine key={head.head} head={head} columns={columns} layer={current.layer} />
            ))}
          </tbody>
        </table>
      </div>
      <TwinNote current={current} />
      <p class="hint blend-legend">
        {Object.values(kMarks).map((mark) => (
          <span key={mark.name}>
            {mark.sign} {t(mark.name)}
          </span>
        ))}
      </p>
      <Buried current={current} />
      <SavePicture of=".blend" name="blend" />
    </section>
  );
}

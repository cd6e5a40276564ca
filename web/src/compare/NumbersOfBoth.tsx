// The same as numbers: a table of one head over all tokens, and the whole for other programs.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { fileName } from "../lab/Share.tsx";
import { weightsAt, type HeadPair } from "../maths/difference.ts";
import { pairsAsCsv } from "../maths/table.ts";
import { chosenHead, tokens, trace } from "../state/session.ts";
import { download } from "../ui/download.ts";
import { nameOf } from "./ColumnNames.tsx";
import { alignment, layerB, queryB, rowsB, tokensB, traceB } from "./state.ts";

function AllTokens({ pair }: { readonly pair: HeadPair }) {
  return (
    <div class="scroll">
      <table class="loss-table" data-numbers>
        <caption>
          {[pair.a && `A ${pair.a.head}`, pair.b && `B ${pair.b.head}`].filter(Boolean).join(" · ")}
          {pair.distance && ` · ${t("compare_distances", { tv: pair.distance.tv.toFixed(4), jsd: pair.distance.jsd.toFixed(4) })}`}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t("column_token")}</th>
            <th scope="col">A</th>
            <th scope="col">B</th>
            <th scope="col">B − A</th>
          </tr>
        </thead>
        <tbody>
          {alignment.value.columns.map((column) => {
            const [p, q] = weightsAt(pair.a?.row ?? [], pair.b?.row ?? [], column);
            return (
              <tr key={`${column.a} ${column.b}`}>
                <th scope="row">{nameOf(column)}</th>
                <td>{column.a === null || !pair.a ? "–" : p}</td>
                <td>{column.b === null || !pair.b ? "–" : q}</td>
                <td>{pair.distance ? Number((q - p).toPrecision(6)) : "–"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export function NumbersOfBoth({ pairs }: { readonly pairs: readonly HeadPair[] }) {
  const open = useSignal(false);
  const shown = pairs.find((one) => one.a !== null && one.a.head === chosenHead.value) ?? pairs[0];
  const side = (of: typeof trace.value, layer: number, query: number) => ({ model: of?.model.name, text: of?.text, layer, query, tokens: of?.tokens });
  const json = () =>
    JSON.stringify(
      {
        a: side(trace.value, rowsB.value?.layer ?? 0, 0),
        b: side(traceB.value, layerB.value, queryB.value),
        columns: alignment.value.columns,
        pairs,
      },
      null,
      1,
    );
  const words = { a: tokens.value.map((one) => one.text), b: tokensB.value.map((one) => one.text) };
  const csv = () => pairsAsCsv(pairs, alignment.value.columns, words);
  return (
    <details class="numbers pair-numbers" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>{t("numbers")}</summary>
      {open.value && shown && (
        <>
          <p class="file-buttons">
            <button type="button" id="compare-json" onClick={() => download(`${fileName()}-compare.json`, "application/json", json())}>
              {t("share_json")}
            </button>
            <button type="button" id="compare-csv" onClick={() => download(`${fileName()}-compare.csv`, "text/csv", csv())}>
              {t("share_csv")}
            </button>
          </p>
          <p class="hint">{t("compare_numbers_of")}</p>
          <AllTokens pair={shown} />
        </>
      )}
    </details>
  );
}

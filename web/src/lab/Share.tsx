// Taking the view along: as a file that opens anywhere, or as numbers for other programs.
import { fetchExport } from "../api/client.ts";
import { snapshot } from "../api/snapshot.ts";
import { t } from "../i18n/index.ts";
import { rowsAsCsv } from "../maths/table.ts";
import { address } from "../state/address.ts";
import { concat } from "../state/concat.ts";
import { chosenQuery, drawnQuery, layer, rows, tokens, trace } from "../state/session.ts";
import { formatUrl } from "../state/url.ts";
import { download } from "../ui/download.ts";
import { EmbedCode } from "../ui/EmbedCode.tsx";
import { saveFile, SaveHtml } from "../ui/SaveHtml.tsx";

/** "headlight-lumen-2-8": model, layer, token. */
export function fileName(): string {
  const model = (trace.value?.model.name ?? "").replace(/[^\w.-]+/g, "_");
  return `headlight-${model}-${layer.value}-${drawnQuery.value}`;
}

function savePage(): Promise<number> {
  const current = trace.value!;
  const state = { ...address.value, model: current.model.name, text: current.text || address.value.text, walk: null };
  const search = formatUrl({ ...state, view: "model", layer: layer.value, query: chosenQuery.value });
  return saveFile(`${fileName()}.html`, fetchExport({ trace: current.id, layer: layer.value, query: chosenQuery.value }, search));
}

export function Share() {
  const current = rows.value;
  if (!current) return null;
  const json = () => JSON.stringify({ model: trace.value?.model, text: trace.value?.text, tokens: trace.value?.tokens, rows: current, concat: concat.value }, null, 1);
  const words = tokens.value.map((token) => token.text);
  return (
    <section class="share" aria-labelledby="share-title">
      <h2 id="share-title">{t("share_title")}</h2>
      <p class="hint">{t(snapshot ? "share_recorded" : "share_lead")}</p>
      <p class="file-buttons">
        {!snapshot && (
          <SaveHtml label={t("share_html")} save={savePage} />
        )}
        <button id="share-json" type="button" onClick={() => download(`${fileName()}.json`, "application/json", json())}>
          {t("share_json")}
        </button>
        <button id="share-csv" type="button" onClick={() => download(`${fileName()}.csv`, "text/csv", rowsAsCsv(current, words))}>
          {t("share_csv")}
        </button>
      </p>
      <EmbedCode />
    </section>
  );
}

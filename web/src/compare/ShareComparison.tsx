// Taking the comparison along: both sides in one file that opens anywhere.
import { fetchExport } from "../api/client.ts";
import { snapshot } from "../api/snapshot.ts";
import { t } from "../i18n/index.ts";
import { fileName } from "../lab/Share.tsx";
import { address } from "../state/address.ts";
import { chosenQuery, layer, trace } from "../state/session.ts";
import { formatUrl } from "../state/url.ts";
import { EmbedCode } from "../ui/EmbedCode.tsx";
import { saveFile, SaveHtml } from "../ui/SaveHtml.tsx";
import { layerB, queryB, traceB } from "./state.ts";

function save(): Promise<number> {
  const [a, b] = [trace.value!, traceB.value!];
  const sideA = { model: a.model.name, text: a.text || address.value.text, layer: layer.value, query: chosenQuery.value };
  const search = formatUrl({ ...address.value, ...sideA, view: "compare", query2: queryB.value, walk: null });
  const places = [
    { trace: a.id, layer: layer.value, query: chosenQuery.value },
    { trace: b.id, layer: layerB.value, query: queryB.value },
  ] as const;
  return saveFile(`${fileName()}-compared.html`, fetchExport(places[0], search, places[1]));
}

export function ShareComparison() {
  if (snapshot) return null;
  return (
    <section class="share" aria-labelledby="share-title">
      <h2 id="share-title">{t("share_title")}</h2>
      <p class="hint">{t("compare_share_lead")}</p>
      <p class="file-buttons">
        <SaveHtml label={t("compare_share")} save={save} />
      </p>
      <EmbedCode />
    </section>
  );
}

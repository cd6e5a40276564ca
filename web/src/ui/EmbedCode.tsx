// The HTML that shows this view in another page's frame.
import { snapshot } from "../api/snapshot.ts";
import { t } from "../i18n/index.ts";
import { address } from "../state/address.ts";
import { formatUrl } from "../state/url.ts";

export function EmbedCode() {
  if (snapshot) return null;
  const source = `${location.origin}${location.pathname}${formatUrl({ ...address.value, walk: null, embed: true })}`;
  const html = `<iframe src="${source.replace(/&/g, "&amp;")}" width="100%" height="900" title="Headlight" style="border:0"></iframe>`;
  return (
    <details class="embed-code">
      <summary>{t("embed_title")}</summary>
      <p class="hint">{t("embed_hint")}</p>
      <textarea id="embed-html" readOnly rows={3} aria-label={t("embed_label")} value={html} onFocus={(event) => event.currentTarget.select()} />
    </details>
  );
}

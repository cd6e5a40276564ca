// Under a page in a frame: the way to the whole of it.
import { t } from "../i18n/index.ts";
import { address } from "../state/address.ts";
import { formatUrl } from "../state/url.ts";

export function EmbedLine() {
  const whole = `${location.pathname}${formatUrl({ ...address.value, embed: false })}`;
  return (
    <p class="embed-line">
      <a href={whole} target="_blank" rel="noopener" id="embed-open">
        {t("embed_open")} ↗
      </a>
    </p>
  );
}

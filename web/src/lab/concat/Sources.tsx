// What every word gives the query token through the heads of this layer, before and after.
import type { Ablation } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { isShown, tokens } from "../../state/session.ts";

const kMost = 8;

export function Sources({ current }: { readonly current: Ablation }) {
  const { before, after } = current.block.sources;
  const longest = Math.max(...before, ...after) || 1;
  const shown = before
    .map((_, token) => token)
    .filter(isShown)
    .sort((a, b) => Math.abs(after[b]! - before[b]!) - Math.abs(after[a]! - before[a]!) || a - b)
    .slice(0, kMost);
  return (
    <table class="loss-table" data-sources>
      <caption>{t("sources_title", { layer: current.block.layer })}</caption>
      <thead>
        <tr>
          <th scope="col">{t("column_token")}</th>
          <th scope="col">{t("column_before")}</th>
          <th scope="col">{t("column_after")}</th>
        </tr>
      </thead>
      <tbody>
        {shown.map((token) => (
          <tr key={token} data-source={token}>
            <th scope="row">{tokens.value[token]?.text}</th>
            {[before[token]!, after[token]!].map((norm, i) => (
              <td key={i} class="moved" data-value={norm}>
                <span class="moved-bar" style={{ width: `${(60 * norm) / longest}%` }} />
                {norm.toFixed(3)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

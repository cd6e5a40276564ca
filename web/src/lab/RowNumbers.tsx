// The same row as a table, for screen readers and for copying: full precision, only built when opened.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { light } from "../state/light.ts";
import { tokens } from "../state/session.ts";

export function RowNumbers({ row, caption }: { readonly row: readonly number[]; readonly caption: string }) {
  const open = useSignal(false);
  return (
    <details class="numbers" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>{t("numbers")}</summary>
      {open.value && (
        <table>
          <caption class="hidden-text">{caption}</caption>
          <thead>
            <tr>
              <th scope="col">{t("column_token")}</th>
              <th scope="col">{t(light.value === "norms" ? "column_share_of" : "column_weight")}</th>
            </tr>
          </thead>
          <tbody>
            {tokens.value.map((token) => (
              <tr key={token.index}>
                <th scope="row">{token.text}</th>
                <td>{row[token.index]}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </details>
  );
}

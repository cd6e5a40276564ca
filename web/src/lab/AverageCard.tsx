import { t } from "../i18n/index.ts";
import { averageRow } from "../state/light.ts";
import { rows } from "../state/session.ts";
import { RowNumbers } from "./RowNumbers.tsx";
import { RowPicture } from "./RowPicture.tsx";
import { SavePicture } from "./SavePicture.tsx";
import { HiddenMass, Strongest } from "./RowSummary.tsx";

export function AverageCard() {
  const current = rows.value;
  if (!current) return null;
  const row = averageRow.value;
  return (
    <article class="card average" data-average aria-label={t("average_title")}>
      <header class="card-top">
        <h3 class="card-name">{t("average_title")}</h3>
        <Strongest row={row} />
      </header>
      <RowPicture id="beam-average" row={row} />
      <HiddenMass row={row} />
      <p class="hint">{t("average_note", { heads: current.heads.length })}</p>
      <footer class="card-foot">
        <RowNumbers row={row} caption={t("average_title")} />
        <SavePicture of=".card" name="average" />
      </footer>
    </article>
  );
}

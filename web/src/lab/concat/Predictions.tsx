// Words that the model predicts less, and more, without the heads.
import type { Ablation, Prediction } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { percent } from "../../maths/vectors.ts";
import { tokens, trace } from "../../state/session.ts";

function Line({ kind, one }: { readonly kind: "best" | "lost" | "gained"; readonly one: Prediction }) {
  const sign = { best: "", lost: "▼", gained: "▲" }[kind];
  const name = { best: "prediction_best", lost: "prediction_lost", gained: "prediction_gained" } as const;
  return (
    <tr class={kind} data-prediction={`${kind}.${one.id}`}>
      <th scope="row">
        <span class="prediction-sign" title={t(name[kind])}>
          <span aria-hidden="true">{sign}</span>
          <span class="hidden-text">{t(name[kind])}</span>
        </span>
        {one.piece.replace(/^ /, "␣")}
      </th>
      <td data-value={one.before}>{percent(one.before)}</td>
      <td data-value={one.after}>{percent(one.after)}</td>
      <td data-value={one.direct}>{percent(one.direct)}</td>
    </tr>
  );
}

export function Predictions({ current }: { readonly current: Ablation }) {
  const word = tokens.value[current.query]?.text ?? "";
  if (!current.predictions) return <p class="hint no-predictions">{t("no_predictions")}</p>;
  const { best, lost, gained, kl_after, kl_direct } = current.predictions;
  return (
    <div>
      <table class="loss-table" data-predictions>
        <caption>{t(trace.value?.model.causal ? "predictions_next" : "predictions_at", { word })}</caption>
        <thead>
          <tr>
            <th scope="col">{t("column_word")}</th>
            <th scope="col">{t("column_before")}</th>
            <th scope="col">{t("column_after")}</th>
            <th scope="col">{t("column_direct")}</th>
          </tr>
        </thead>
        <tbody>
          {best.slice(0, 3).map((one) => (
            <Line key={`b${one.id}`} kind="best" one={one} />
          ))}
          {lost.slice(0, 3).map((one) => (
            <Line key={`l${one.id}`} kind="lost" one={one} />
          ))}
          {gained.slice(0, 3).map((one) => (
            <Line key={`g${one.id}`} kind="gained" one={one} />
          ))}
        </tbody>
      </table>
      <p class="hint" data-kl={kl_after}>
        {t("kl", { after: kl_after.toFixed(3), direct: kl_direct.toFixed(3) })}
      </p>
    </div>
  );
}

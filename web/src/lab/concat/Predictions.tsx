// Words that the model predicts less, and more, without the heads.
import type { Ablation, Prediction } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { percent } from "../../maths/vectors.ts";
import { tokens, trace } from "../../state/session.ts";

type Kind = "best" | "lost" | "gained";

const kShown = 3;
const kSigns = { best: "", lost: "▼", gained: "▲" } as const;
const kNames = { best: "prediction_best", lost: "prediction_lost", gained: "prediction_gained" } as const;

function Line({ kind, one }: { readonly kind: Kind; readonly one: Prediction }) {
  return (
    <tr class={kind} data-prediction={`${kind}.${one.id}`}>
      <th scope="row">
        <span class="prediction-sign" aria-hidden="true">
          {kSigns[kind]}
        </span>
        {one.piece.replace(/^ /, "␣")}
      </th>
      <td data-value={one.before}>{percent(one.before)}</td>
      <td data-value={one.after}>{percent(one.after)}</td>
      <td data-value={one.direct}>{percent(one.direct)}</td>
    </tr>
  );
}

function Group({ kind, all }: { readonly kind: Kind; readonly all: readonly Prediction[] }) {
  return (
    <tbody>
      <tr class="prediction-group">
        <th scope="rowgroup" colSpan={4}>
          {t(kNames[kind])}
        </th>
      </tr>
      {all.slice(0, kShown).map((one) => (
        <Line key={one.id} kind={kind} one={one} />
      ))}
    </tbody>
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
        <Group kind="best" all={best} />
        <Group kind="lost" all={lost} />
        <Group kind="gained" all={gained} />
      </table>
      <p class="hint" data-kl={kl_after}>
        {t("kl", { after: kl_after.toFixed(3), direct: kl_direct.toFixed(3) })}
      </p>
    </div>
  );
}

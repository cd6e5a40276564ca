// What the text lost: the true re-run beside the direct estimate, which no later layer could repair.
import { useEffect, useRef } from "preact/hooks";
import type { Ablation, Change } from "../../api/types.ts";
import { MeasuredCost } from "../../evidence/MeasuredCost.tsx";
import { t } from "../../i18n/index.ts";
import { fixed, percent } from "../../maths/vectors.ts";
import { ablation, how, other, wantLoss } from "../../state/concat.ts";
import { tokens } from "../../state/session.ts";
import { Predictions } from "./Predictions.tsx";
import { Sources } from "./Sources.tsx";

const kTokens = 4;

function ChangeCells({ change }: { readonly change: Change }) {
  return (
    <>
      <td data-value={change.cosine}>{fixed(change.cosine, 4)}</td>
      <td>
        {change.norm_before.toFixed(2)} → <span data-value={change.norm_after}>{change.norm_after.toFixed(2)}</span>
      </td>
    </>
  );
}

/** The query token, then the tokens whose final state turned most. */
function FinalStates({ current }: { readonly current: Ablation }) {
  const { after, direct } = current.final;
  const turned = after
    .map((change, token) => ({ token, cosine: change.cosine }))
    .filter((one) => one.token !== current.query)
    .sort((a, b) => a.cosine - b.cosine || a.token - b.token)
    .slice(0, kTokens)
    .map((one) => one.token);
  return (
    <table class="loss-table" data-final-states>
      <caption>{t("final_states")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("column_token")}</th>
          <th scope="col">{t("rerun_cosine")}</th>
          <th scope="col">{t("rerun_norm")}</th>
          <th scope="col">{t("direct_cosine")}</th>
        </tr>
      </thead>
      <tbody>
        {[current.query, ...turned].map((token) => (
          <tr key={token} data-state={token} class={token === current.query ? "is-query" : ""}>
            <th scope="row">{tokens.value[token]?.text}</th>
            <ChangeCells change={after[token]!} />
            <td data-value={direct[token]!.cosine}>{fixed(direct[token]!.cosine, 4)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** How far the stream at the query token is from the intact one, layer by layer. */
function ThroughTheLayers({ current }: { readonly current: Ablation }) {
  const parts = current.layers.map(({ query }) => (query.norm_before > 0 ? query.difference / query.norm_before : 0));
  const most = Math.max(...parts) || 1;
  return (
    <table class="loss-table" data-layers>
      <caption>{t("through_layers")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("layer_label")}</th>
          <th scope="col">{t("moved_by")}</th>
        </tr>
      </thead>
      <tbody>
        {parts.map((part, l) => (
          <tr key={l}>
            <th scope="row">{l}</th>
            <td class="moved" data-value={current.layers[l]!.query.difference}>
              <span class="moved-bar" style={{ width: `${(70 * part) / most}%` }} />
              {percent(part)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Loss() {
  const current = ablation.value;
  const box = useRef<HTMLDivElement>(null);
  const wanted = wantLoss.value;
  useEffect(() => {
    if (!wanted || !box.current) return;
    wantLoss.value = false;
    box.current.scrollIntoView({ block: "start" });
  }, [wanted, current]);
  if (!current) {
    const missing = how.value === "resample" && other.value === "";
    return <p class="loading">{t(missing ? "other_missing" : "loading_loss")}</p>;
  }
  return (
    <div ref={box} class="concat-block loss" data-loss>
      <h3>{t("loss_step")}</h3>
      <p class="hint">{t("loss_hint")}</p>
      <MeasuredCost />
      <div class="loss-grid">
        <Predictions current={current} />
        <Sources current={current} />
        <FinalStates current={current} />
        <ThroughTheLayers current={current} />
      </div>
    </div>
  );
}

// Two readings side by side: two texts, two models, or one before and after heads are switched off.
import { snapshot } from "../api/snapshot.ts";
import { t } from "../i18n/index.ts";
import { SavePicture } from "../lab/SavePicture.tsx";
import { embedded } from "../state/preferences.ts";
import { analyse, trace, traceProblem } from "../state/session.ts";
import { Notice } from "../ui/Notice.tsx";
import { Differences } from "./Differences.tsx";
import { Everywhere } from "./Everywhere.tsx";
import { LayerRow } from "./LayerRow.tsx";
import { PredictionsOfBoth } from "./PredictionsOfBoth.tsx";
import { ShareComparison } from "./ShareComparison.tsx";
import { SidePanel } from "./SidePanel.tsx";
import { Suggestions } from "./Suggestions.tsx";
import { captionOfB, pairs, problemB, same, traceB } from "./state.ts";

export function CompareView() {
  const ready = trace.value !== null && traceB.value !== null;
  return (
    <div class="compare">
      {!embedded.value && (
        <>
          <h1>{t("compare_title")}</h1>
          <p class="hint">{t("compare_lead")}</p>
        </>
      )}
      {traceProblem.value && <Notice problem={traceProblem.value} onRetry={() => void analyse()} />}
      {problemB.value && <Notice problem={problemB.value} />}
      <div class="sides">
        <SidePanel side="a" />
        <SidePanel side="b" />
      </div>
      {same.value && !snapshot && <Suggestions />}
      {!ready && !traceProblem.value && !problemB.value && <p class="loading">{t("loading_trace")}</p>}
      {ready && (
        <>
          <LayerRow />
          <div class="compare-parts">
            <section class="differences" aria-labelledby="differences-title">
              <h2 id="differences-title">{t("compare_rows_title")}</h2>
              {pairs.value && <Differences pairs={pairs.value} />}
              <SavePicture of=".differences" name="compare" more={captionOfB.value} />
            </section>
            <div class="compare-side">
              <Everywhere />
              <PredictionsOfBoth />
            </div>
          </div>
          {!embedded.value && <ShareComparison />}
        </>
      )}
    </div>
  );
}

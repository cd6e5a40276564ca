import { snapshot } from "../api/snapshot.ts";
import { Training } from "../evidence/Training.tsx";
import { GlanceSection } from "../glance/GlanceSection.tsx";
import { t } from "../i18n/index.ts";
import { TooLong } from "../long/TooLong.tsx";
import { hasWords } from "../maths/tokens.ts";
import { embedded } from "../state/preferences.ts";
import { analyse, layer, model, modelName, rows, running, trace, traceProblem } from "../state/session.ts";
import { Notice } from "../ui/Notice.tsx";
import { AverageCard } from "./AverageCard.tsx";
import { BlendSection } from "./BlendSection.tsx";
import { ConcatSection } from "./concat/ConcatSection.tsx";
import { FindingLine } from "./FindingLine.tsx";
import { HeadBar } from "./HeadBar.tsx";
import { HeadCards } from "./HeadCards.tsx";
import { KernelReport } from "./KernelReport.tsx";
import { LightChoice } from "./LightChoice.tsx";
import { LayerPicker } from "./LayerPicker.tsx";
import { ModelFacts } from "./ModelFacts.tsx";
import { OverviewGrid } from "./OverviewGrid.tsx";
import { ScenarioCards } from "./ScenarioCards.tsx";
import { Share } from "./Share.tsx";
import { TextForm } from "./TextForm.tsx";
import { TokenStrip } from "./TokenStrip.tsx";

export function ModelView() {
  return (
    <>
      <section class="ask">
        <h1 class="hidden-text">{t("model_title", { model: modelName.value ?? "" })}</h1>
        {snapshot && <p class="recorded">{t("recorded", { text: snapshot.text })}</p>}
        {!snapshot && !embedded.value && hasWords(model.value) && <ScenarioCards />}
        {!snapshot && !embedded.value && model.value && <TextForm />}
        {traceProblem.value && <Notice problem={traceProblem.value} onRetry={() => void analyse()} />}
        <TooLong />
        {trace.value && <FindingLine />}
        {trace.value && <TokenStrip />}
      </section>
      {running.value && !trace.value && <p class="loading">{t("loading_trace")}</p>}
      {trace.value && (
        <div class={running.value ? "bench busy" : "bench"} aria-busy={running.value}>
          <div class="bench-top">
            <LayerPicker />
            <ModelFacts model={trace.value.model} />
          </div>
          <section>
            <h2 class="hidden-text">{t("heads_title", { layer: layer.value })}</h2>
            <HeadBar />
            <LightChoice />
            <HeadCards />
          </section>
          <aside class="rail">
            <AverageCard />
            <OverviewGrid />
          </aside>
        </div>
      )}
      {trace.value && rows.value && (
        <div class={running.value ? "below busy" : "below"}>
          <GlanceSection />
          <BlendSection />
          <ConcatSection />
          <Training />
          {!embedded.value && <Share />}
        </div>
      )}
      {trace.value && rows.value && <KernelReport kernels={trace.value.kernels} />}
    </>
  );
}

import { useSignalEffect } from "@preact/signals";
import { snapshot } from "../api/snapshot.ts";
import { CompareView } from "../compare/CompareView.tsx";
import { DimensionsView } from "../dimensions/DimensionsView.tsx";
import { ExampleView } from "../example/ExampleView.tsx";
import { t } from "../i18n/index.ts";
import { LongView } from "../long/LongView.tsx";
import { ModelView } from "../lab/ModelView.tsx";
import { embedded } from "../state/preferences.ts";
import { loadModels, models, modelsProblem, view } from "../state/session.ts";
import { Walk } from "../walk/Walk.tsx";
import { EmbedLine } from "./EmbedLine.tsx";
import { Header } from "./Header.tsx";
import { Notice } from "./Notice.tsx";

function Content() {
  if (view.value === "dimensions") return <DimensionsView />;
  if (!models.value && !modelsProblem.value) return <p class="loading">{t("loading_models")}</p>;
  if (view.value === "example") return <ExampleView />;
  if (view.value === "long") return <LongView />;
  if (!models.value) return null;
  return view.value === "compare" ? <CompareView /> : <ModelView />;
}

const kTitles = {
  example: "example_title",
  dimensions: "dims_title",
  compare: "compare_title",
  long: "long_title",
  model: "tagline",
} as const;

export function App() {
  useSignalEffect(() => {
    document.title = `Headlight: ${t(kTitles[view.value])}`;
  });
  return (
    <>
      <a class="skip" href="#content">
        {t("skip")}
      </a>
      {!embedded.value && <Header />}
      <main id="content" class={embedded.value ? "embedded" : undefined} tabIndex={-1}>
        {modelsProblem.value && <Notice problem={modelsProblem.value} onRetry={() => void loadModels()} />}
        <Content />
      </main>
      {embedded.value ? (
        <EmbedLine />
      ) : (
        <>
          <Walk />
          <footer class="footer">{t(snapshot ? "footer_recorded" : "footer")}</footer>
        </>
      )}
    </>
  );
}

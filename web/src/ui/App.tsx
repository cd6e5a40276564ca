import { useSignalEffect } from "@preact/signals";
import { snapshot } from "../api/snapshot.ts";
import { DimensionsView } from "../dimensions/DimensionsView.tsx";
import { ExampleView } from "../example/ExampleView.tsx";
import { t } from "../i18n/index.ts";
import { ModelView } from "../lab/ModelView.tsx";
import { loadModels, models, modelsProblem, view } from "../state/session.ts";
import { Walk } from "../walk/Walk.tsx";
import { Header } from "./Header.tsx";
import { Notice } from "./Notice.tsx";

function Content() {
  if (view.value === "dimensions") return <DimensionsView />;
  if (!models.value && !modelsProblem.value) return <p class="loading">{t("loading_models")}</p>;
  if (view.value === "example") return <ExampleView />;
  return models.value ? <ModelView /> : null;
}

const kTitles = { example: "example_title", dimensions: "dims_title", model: "tagline" } as const;

export function App() {
  useSignalEffect(() => {
    document.title = `Headlight: ${t(kTitles[view.value])}`;
  });
  return (
    <>
      <a class="skip" href="#content">
        {t("skip")}
      </a>
      <Header />
      <main id="content" tabIndex={-1}>
        {modelsProblem.value && <Notice problem={modelsProblem.value} onRetry={() => void loadModels()} />}
        <Content />
      </main>
      <Walk />
      <footer class="footer">{t(snapshot ? "footer_recorded" : "footer")}</footer>
    </>
  );
}

import type { Model } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { language } from "../state/preferences.ts";

function compactCount(count: number): string {
  return new Intl.NumberFormat(language.value, { notation: "compact", maximumSignificantDigits: 3 }).format(count);
}

export function ModelFacts({ model }: { readonly model: Model }) {
  const facts = t("model_facts", {
    layers: model.n_layers,
    heads: model.n_heads,
    width: model.d_model,
    parameters: compactCount(model.parameters),
  });
  return (
    <p class="facts">
      <span>{facts}</span>
      <span class="direction">{t(model.causal ? "causal" : "bidirectional")}</span>
    </p>
  );
}

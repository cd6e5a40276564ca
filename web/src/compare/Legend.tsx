import { t } from "../i18n/index.ts";
import { theme } from "../state/preferences.ts";
import { differenceColour } from "../ui/diverging.ts";

const kSteps = [-1, -0.5, -0.25, -0.1, 0, 0.1, 0.25, 0.5, 1];

export function Legend() {
  return (
    <p class="pair-legend">
      <span>{t("compare_a_more")}</span>
      <span class="pair-scale" aria-hidden="true">
        {kSteps.map((step) => (
          <span key={step} class="pair-step" style={{ background: differenceColour(step, theme.value) }}>
            {step === 0 ? "0" : Math.abs(step) >= 0.5 ? Math.abs(step) : ""}
          </span>
        ))}
      </span>
      <span>{t("compare_b_more")}</span>
    </p>
  );
}

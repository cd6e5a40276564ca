// The loss of every step so far, over all the steps that there will be.
import type { TrainingStep } from "../api/types.ts";
import { t } from "../i18n/index.ts";

const kWidth = 600;
const kHeight = 120;

export function LossCurve({ steps, total }: { readonly steps: readonly TrainingStep[]; readonly total: number }) {
  const top = Math.max(1, ...steps.slice(0, 20).map((one) => one.loss));
  const x = (step: number) => ((kWidth * (step - 1)) / Math.max(1, total - 1)).toFixed(1);
  const y = (loss: number) => (kHeight * (1 - Math.min(1, loss / top))).toFixed(1);
  const path = steps.map(({ step, loss }, i) => `${i === 0 ? "M" : "L"}${x(step)} ${y(loss)}`).join("");
  const latest = steps.at(-1)?.loss ?? 0;
  return (
    <figure class="live-loss">
      <figcaption>{t("live_loss", { loss: latest.toFixed(3) })}</figcaption>
      <svg class="training-chart" viewBox={`0 -4 ${kWidth} ${kHeight + 8}`} preserveAspectRatio="none" aria-hidden="true">
        <line class="zero-line" x1="0" x2={kWidth} y1={kHeight} y2={kHeight} />
        <path class="live-loss-line" d={path} />
      </svg>
    </figure>
  );
}

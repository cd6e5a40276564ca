import { t } from "../i18n/index.ts";
import { concat, kHeadDim, widthOf } from "../maths/example.ts";
import { Vector } from "./Exact.tsx";
import { example } from "./state.ts";
import { Step } from "./Step.tsx";

export function ConcatSection() {
  return (
    <Step number={4} title={t("step_concat")}>
      <div class="scroll">
        <Vector
          name="concat"
          label={t("concat_label")}
          values={concat(example.value)}
          headOf={(index) => Math.floor(index / kHeadDim)}
        />
      </div>
      <p class="hint">{t("example_width", { width: widthOf(example.value), heads: example.value.heads, dim: kHeadDim })}</p>
    </Step>
  );
}

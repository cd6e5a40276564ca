import { t } from "../i18n/index.ts";
import { concat, kHeadDim } from "../maths/example.ts";
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
      <p class="hint">{t("example_width")}</p>
    </Step>
  );
}

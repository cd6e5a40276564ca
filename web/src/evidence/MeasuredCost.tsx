// What was measured to be lost over many sentences without a head that is off: "coreference 97 % → 41 %".
import { t } from "../i18n/index.ts";
import { costliest } from "../maths/evidence.ts";
import { percent } from "../maths/vectors.ts";
import { gates, how } from "../state/concat.ts";
import { abilities } from "../state/evidence.ts";
import { relationName } from "./names.ts";

const kMost = 3;

export function MeasuredCost() {
  const known = abilities.value;
  if (!known) return null;
  const off = [...gates.value].filter(([, gate]) => gate === 0).map(([key]) => key.split(".").map(Number) as [number, number]);
  if (off.length === 0) return null;
  const way = how.value;
  return (
    <div data-measured-cost>
      <h4>{t("measured_title")}</h4>
      <p class="hint">{t(off.length > 1 ? "measured_each" : "measured_hint", { sentences: known.sentences })}</p>
      {off.map(([layer, head]) => {
        const lost = costliest(known, layer, head, way, kMost);
        return (
          <p key={`${layer}.${head}`} data-measured={`${layer}.${head}`}>
            <b>{t("head_card", { layer, head })}:</b>{" "}
            {lost.length === 0
              ? t("measured_nothing")
              : lost.map((one) => `${relationName(one)} ${percent(one.right)} → ${percent(one.without![way])}`).join(" · ")}
          </p>
        );
      })}
    </div>
  );
}

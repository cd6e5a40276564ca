// What was measured to be lost over many sentences without the heads that are off: "coreference 97 % → 41 %".
import type { Abilities } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { costliest } from "../maths/evidence.ts";
import { percent } from "../maths/vectors.ts";
import { headsOff } from "../maths/sets.ts";
import { gates, how } from "../state/concat.ts";
import { abilities } from "../state/evidence.ts";
import { model } from "../state/session.ts";
import { MeasuredSet } from "./MeasuredSet.tsx";
import { relationName } from "./names.ts";

const kMost = 3;

/** What each head costs when it alone is off. */
function EachAlone({ known, off }: { readonly known: Abilities; readonly off: readonly string[] }) {
  const way = how.value;
  return (
    <>
      {off.map((key) => {
        const [layer, head] = key.split(".").map(Number) as [number, number];
        const lost = costliest(known, layer, head, way, kMost);
        return (
          <p key={key} data-measured={key}>
            <b>{t("head_card", { layer, head })}:</b>{" "}
            {lost.length === 0
              ? t("measured_nothing")
              : lost.map((one) => `${relationName(one)} ${percent(one.right)} → ${percent(one.without![way])}`).join(" · ")}
          </p>
        );
      })}
    </>
  );
}

function Measured({ known }: { readonly known: Abilities }) {
  const off = headsOff(gates.value);
  if (off === null) return <p data-dimmed>{t("set_dimmed")}</p>;
  const each = (
    <>
      <p class="hint">{t(off.length > 1 ? "measured_each" : "measured_hint", { sentences: known.sentences })}</p>
      <EachAlone known={known} off={off} />
    </>
  );
  // One head alone is the plainer question; of several it is what they cost together.
  return (
    <>
      {off.length === 1 && each}
      <MeasuredSet known={known} off={off} />
      {off.length > 1 && each}
    </>
  );
}

export function MeasuredCost() {
  const known = abilities.value;
  if (gates.value.size === 0 || (!known && model.value?.records?.includes("abilities"))) return null;
  return (
    <div data-measured-cost>
      <h4>{t("measured_title")}</h4>
      {known ? <Measured known={known} /> : <p data-no-record>{t("set_no_record")}</p>}
    </div>
  );
}

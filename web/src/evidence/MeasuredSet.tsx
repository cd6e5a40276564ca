// Several heads off at once: what exactly this set was measured to cost, or plainly that it was not measured.
import { t } from "../i18n/index.ts";
import { formatGates } from "../maths/gates.ts";
import { keysOfSet, setCost, setsOf } from "../maths/sets.ts";
import { percent } from "../maths/vectors.ts";
import type { Abilities, SetRemoval } from "../api/types.ts";
import { navigate } from "../state/address.ts";
import { how } from "../state/concat.ts";
import { relationWord } from "./names.ts";

function Cost({ set }: { readonly set: SetRemoval }) {
  const { relation, before, after, random } = setCost(set, how.value);
  return (
    <p data-measured-set={keysOfSet(set).join("+")} data-before={before} data-after={after}>
      <b>{t("set_measured", { relation: relationWord(relation), asked: set.asked, before: percent(before), after: percent(after) })}</b>{" "}
      {random && <span class="hint">{t("set_random", { count: random.count, mean: percent(random.mean), worst: percent(random.worst) })}</span>}
    </p>
  );
}

/** The sets of several heads that can be switched off as they were measured. */
function Choices({ known, off }: { readonly known: Abilities; readonly off: readonly string[] }) {
  const names = new Set(known.sets.filter((set) => set.heads.length > 1).map((set) => keysOfSet(set).join("+")));
  names.delete([...off].sort().join("+"));
  if (names.size === 0) return null;
  return (
    <p class="hint set-choices">
      {t("set_choices")}{" "}
      {[...names].map((name) => (
        <button
          key={name}
          type="button"
          class="quiet"
          data-set={name}
          onClick={() => navigate({ gates: formatGates(new Map(name.split("+").map((key) => [key, 0]))) }, "push")}
        >
          {name.replace(/\+/g, " + ")}
        </button>
      ))}
    </p>
  );
}

export function MeasuredSet({ known, off }: { readonly known: Abilities; readonly off: readonly string[] }) {
  const found = setsOf(known, off);
  return (
    <>
      {off.length > 1 && <h4>{t("set_title")}</h4>}
      {found.map((set) => (
        <Cost key={set.relation} set={set} />
      ))}
      {off.length > 1 && found.length === 0 && <p data-unmeasured={off.length}>{t("set_unmeasured", { count: off.length })}</p>}
      <Choices known={known} off={off} />
    </>
  );
}

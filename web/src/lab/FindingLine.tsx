// Which head links the scenario's two words, and the way to find out what it is good for: switch it off.
import { relationName } from "../evidence/names.ts";
import { rich, t } from "../i18n/index.ts";
import { relationsOf } from "../maths/evidence.ts";
import { kStrong, shortNumber } from "../maths/rows.ts";
import type { Finding } from "../maths/scenarios.ts";
import { percent } from "../maths/vectors.ts";
import { concat, gateOf, setGate, wantLoss } from "../state/concat.ts";
import { abilities } from "../state/evidence.ts";
import { theme } from "../state/preferences.ts";
import { finding, scenario } from "../state/scenarios.ts";
import { chooseHead, layer, chosenHead, tokens } from "../state/session.ts";
import { headColour } from "../ui/colour.ts";

/** What went with the head, in a line: its share of what the word gets here, and its cost over many sentences. */
function Lost({ found }: { readonly found: Finding }) {
  const word = <b>{tokens.value[found.query]?.text}</b>;
  const known = concat.value;
  const share = known?.layer === found.layer && known.query === found.query ? known.heads[found.head]?.share : undefined;
  const asked = scenario.value;
  const measured = abilities.value
    ? relationsOf(abilities.value, found.layer, found.head).find((one) => one.relation === asked?.relation && one.language === asked.language)
    : undefined;
  return (
    <span class="finding-lost" data-lost={share}>
      {share !== undefined && rich("finding_lost", { share: <b>{percent(share)}</b>, layer: found.layer, query: word })}{" "}
      {measured?.without &&
        rich("finding_measured", { relation: relationName(measured), before: <b>{percent(measured.right)}</b>, after: <b>{percent(measured.without.zero)}</b> })}
    </span>
  );
}

export function FindingLine() {
  const found = finding.value;
  if (!found) return null;
  const { head, weight } = found;
  const here = layer.value === found.layer && chosenHead.value === head;
  const on = gateOf(found.layer, head) > 0;
  const parts = {
    query: <b>{tokens.value[found.query]?.text}</b>,
    target: <b>{found.targets.map((target) => tokens.value[target]?.text).join("")}</b>,
    layer: found.layer,
    head,
    weight: <b>{shortNumber(weight)}</b>,
  };
  return (
    <p class="finding" role="status" data-finding={`${found.layer}.${head}`} data-value={weight} style={{ "--head": headColour(head, theme.value) }}>
      <span class="swatch" aria-hidden="true" /> {rich(weight >= kStrong ? "finding" : "finding_weak", parts)}{" "}
      {!here && (
        <button type="button" class="quiet" onClick={() => chooseHead(found.layer, head)}>
          {t("finding_show")}
        </button>
      )}
      <button
        id="finding-switch"
        type="button"
        class="quiet"
        aria-pressed={!on}
        onClick={() => {
          setGate(found.layer, head, on ? 0 : 1);
          wantLoss.value = on;
        }}
      >
        {t(on ? "finding_off" : "finding_on")}
      </button>
      {!on && <Lost found={found} />}
    </p>
  );
}

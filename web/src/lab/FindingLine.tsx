// Which head links the scenario's two words, and the way to find out what it is good for: switch it off.
import { rich, t } from "../i18n/index.ts";
import { kStrong, shortNumber } from "../maths/rows.ts";
import { gateOf, setGate } from "../state/concat.ts";
import { theme } from "../state/preferences.ts";
import { finding } from "../state/scenarios.ts";
import { chooseHead, layer, pinnedHead, tokens } from "../state/session.ts";
import { headColour } from "../ui/colour.ts";

export function FindingLine() {
  const found = finding.value;
  if (!found) return null;
  const { head, weight } = found;
  const here = layer.value === found.layer && pinnedHead.value === head;
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
          if (on) document.getElementById("concat-title")?.scrollIntoView({ block: "start" });
        }}
      >
        {t(on ? "finding_off" : "finding_on")}
      </button>
    </p>
  );
}

// A row in words: what the query reads most, each target in its surroundings.
import type { Target } from "../api/long.ts";
import { t } from "../i18n/index.ts";
import { around, shortWeight } from "../maths/long_map.ts";
import { theme } from "../state/preferences.ts";
import { headColour } from "../ui/colour.ts";
import { area, longHead, longLayer, longTrace, show } from "./state.ts";
import { rowInWords, shownRow } from "./views.ts";

function InContext({ target }: { readonly target: Target }) {
  return (
    <span class="long-context">
      {target.before}
      <b class="lit-word">{target.word.trim() === "" ? "␣" : target.word}</b>
      {target.after}
    </span>
  );
}

export function Targets() {
  const query = shownRow.value;
  const row = rowInWords.value;
  if (query === null) return <p class="hint">{t("long_no_query")}</p>;
  return (
    <section class="long-targets" aria-labelledby="long-targets-title" aria-busy={!row}>
      <h2 id="long-targets-title">{t("long_targets", { query })}</h2>
      {row && (
        <>
          <p class="long-self" data-long-query={row.query}>
            <InContext target={row.self} />
          </p>
          <p class="hint">{t("long_targets_hint", { layer: longLayer.value, head: longHead.value })}</p>
          <ol style={{ "--head": headColour(longHead.value, theme.value) }}>
            {row.targets.map((target) => (
              <li key={target.token}>
                <button
                  type="button"
                  class="long-target"
                  data-target={target.token}
                  data-value={target.weight}
                  aria-label={`${t("long_target", { token: target.token, weight: shortWeight(target.weight) })}: ${target.word}`}
                  onClick={() => show(around(row.query, target.token, area.value.span, longTrace.value!.length))}
                >
                  <span class="long-weight" style={{ "--share": target.weight }}>
                    {shortWeight(target.weight)}
                  </span>
                  <span class="hint">{target.token}</span> <InContext target={target} />
                </button>
              </li>
            ))}
          </ol>
          <p class="hint">{t("long_rest", { weight: shortWeight(row.rest), entropy: row.entropy.toFixed(2) })}</p>
        </>
      )}
    </section>
  );
}

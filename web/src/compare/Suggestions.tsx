// Both sides are the same: what could be set against it, one press away.
import { t } from "../i18n/index.ts";
import { headKey } from "../maths/gates.ts";
import { kScenarios, textOf } from "../maths/scenarios.ts";
import { align } from "../maths/align.ts";
import { hasWords } from "../maths/tokens.ts";
import { layer, model, models, chosenHead, text } from "../state/session.ts";
import { chooseGateB, chooseModelB, chooseTextB } from "./state.ts";

/** Words of English, characters of Chinese. */
const parts = (sentence: string) => sentence.toLowerCase().match(/[a-z']+|[^\sa-z']/g) ?? [];

/** How a sentence ends: what makes the difference in "… it was tired" and "… it was wide" stands there. */
const ending = (sentence: string) => parts(sentence.replace(/[.。]$/, "")).slice(-2).join(" ");

/** The known sentence that shares most with the one on the page and ends in another way. */
function nearest(sentence: string): string | null {
  const mine = parts(sentence);
  const others = kScenarios.map(textOf).filter((other) => ending(other) !== ending(sentence));
  const shares = others.map((other) => {
    const { columns } = align(mine, parts(other));
    const common = columns.filter((column) => column.a !== null && column.b !== null).length;
    return { other, share: common / columns.length };
  });
  const best = shares.reduce((most, one) => (one.share > most.share ? one : most));
  return best.share > 0 ? best.other : null;
}

export function Suggestions() {
  const of = model.value;
  if (!of) return null;
  const sentence = hasWords(of) ? nearest(text.value) : null;
  const other = models.value?.models.find((one) => one.name !== of.name && (one.tokenizer === null) === (of.tokenizer === null));
  const head = headKey(Math.max(0, Math.min(layer.value, of.n_layers - 2)), chosenHead.value ?? 0);
  return (
    <div class="suggestions" role="group" aria-label={t("compare_same")}>
      <p>{t("compare_same")}</p>
      {sentence && (
        <button type="button" id="suggest-text" onClick={() => chooseTextB(sentence)}>
          {t("compare_suggest_text", { text: sentence })}
        </button>
      )}
      <button type="button" id="suggest-off" onClick={() => chooseGateB(head, 0)}>
        {t("compare_suggest_off", { head })}
      </button>
      {other && (
        <button type="button" id="suggest-model" onClick={() => chooseModelB(other.name)}>
          {t("compare_suggest_model", { model: other.name })}
        </button>
      )}
    </div>
  );
}

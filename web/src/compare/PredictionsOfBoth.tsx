// What each side predicts at its token.
import type { Predictions, Trace } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { percent } from "../maths/vectors.ts";
import { chosenQuery, tokens, trace } from "../state/session.ts";
import { predictionsA, predictionsB, queryB, sameVocabulary, tokensB, traceB } from "./state.ts";

const kShown = 5;

const word = (piece: string) => piece.replace(/^[ ▁Ġ]/, "␣");

type Best = NonNullable<Predictions["best"]>;

/** "at most this much", said once: percent has a sign of its own for what is too small to print. */
const atMost = (value: number) => percent(value).replace(/^(?!<)/, "≤ ");

/** The probability of an id; of one that is not listed it is known only that it is at most the last one's. */
function ofId(best: Best, id: number): { readonly value: number; readonly exact: boolean } {
  const found = best.find((one) => one.id === id);
  return found ? { value: found.probability, exact: true } : { value: best.at(-1)?.probability ?? 0, exact: false };
}

function Probability({ side, best, id }: { readonly side: "a" | "b"; readonly best: Best; readonly id: number }) {
  const { value, exact } = ofId(best, id);
  return (
    <td class="moved" data-value={exact ? value : undefined}>
      <span class={`moved-bar side-${side}`} style={{ width: `${exact ? 60 * value : 0}%` }} />
      {exact ? percent(value) : atMost(value)}
    </td>
  );
}

/** One vocabulary: the likeliest of either side, with both sides' probabilities. */
function Together({ a, b }: { readonly a: Best; readonly b: Best }) {
  const listed = new Map([...a.slice(0, kShown), ...b.slice(0, kShown)].map((one) => [one.id, one.piece]));
  return (
    <table class="loss-table" data-both>
      <thead>
        <tr>
          <th scope="col">{t("column_word")}</th>
          <th scope="col">A</th>
          <th scope="col">B</th>
        </tr>
      </thead>
      <tbody>
        {[...listed].map(([id, piece]) => (
          <tr key={id} data-predicted={id}>
            <th scope="row">{word(piece)}</th>
            <Probability side="a" best={a} id={id} />
            <Probability side="b" best={b} id={id} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Alone({ side, best }: { readonly side: "a" | "b"; readonly best: Best | null }) {
  if (!best) return <p class="hint">{t("compare_no_predictions", { side: side.toUpperCase() })}</p>;
  return (
    <table class="loss-table" data-alone-predictions={side}>
      <thead>
        <tr>
          <th scope="col">{t("column_word")}</th>
          <th scope="col">{side.toUpperCase()}</th>
        </tr>
      </thead>
      <tbody>
        {best.slice(0, kShown).map((one) => (
          <tr key={one.id} data-predicted={one.id}>
            <th scope="row">{word(one.piece)}</th>
            <Probability side={side} best={best} id={one.id} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function title(of: Trace | null, text: string, side: string): string {
  return `${side}: ${t(of?.model.causal ? "predictions_next" : "predictions_at", { word: text })}`;
}

export function PredictionsOfBoth() {
  const [a, b] = [predictionsA.value, predictionsB.value];
  if (!a || !b) return null;
  const titles = [
    title(trace.value, tokens.value[chosenQuery.value]?.text ?? "", "A"),
    title(traceB.value, tokensB.value[queryB.value]?.text ?? "", "B"),
  ];
  return (
    <section class="both-predictions" aria-labelledby="both-title">
      <h2 id="both-title">{t("compare_predictions")}</h2>
      {(a.best || b.best) && titles.map((one) => <p key={one} class="hint">{one}</p>)}
      {a.best && b.best && sameVocabulary.value ? (
        <Together a={a.best} b={b.best} />
      ) : !a.best && !b.best ? (
        <p class="hint">{t("no_predictions")}</p>
      ) : (
        <>
          <Alone side="a" best={a.best} />
          <Alone side="b" best={b.best} />
        </>
      )}
    </section>
  );
}

// Where one number of the concatenated vector comes from: weight x value, summed over the words.
import type { Concat } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { columnOf, largestTerms, signed } from "../../maths/vectors.ts";
import { shortNumber } from "../../maths/rows.ts";
import { cursor, valuesOf } from "../../state/concat.ts";
import { theme } from "../../state/preferences.ts";
import { rows, tokens } from "../../state/session.ts";
import { headColour } from "../../ui/colour.ts";

const kTerms = 4;

export function Formula({ current }: { readonly current: Concat }) {
  const at = cursor.value;
  if (!at) return <p class="formula hint">{t("formula_hint")}</p>;
  const z = current.heads[at.head]?.z[at.component] ?? 0;
  const values = valuesOf(at.head);
  const sameToken = rows.value?.layer === current.layer && rows.value.query === current.query;
  const weights = sameToken ? rows.value?.heads[at.head]?.row : undefined;
  const sum = values && weights ? largestTerms(weights, columnOf(values.data, values.columns, at.component), kTerms) : null;
  return (
    <p class="formula" data-value={z} style={{ "--head": headColour(at.head, theme.value) }}>
      <b class="formula-name">
        z<sub>{at.head}</sub>[{at.component}] = {signed(z)}
      </b>
      {sum && (
        <span class="formula-sum">
          {" = "}
          {sum.terms.map((term, i) => (
            <span key={term.token} class="term" data-product={term.product}>
              {i > 0 && " + "}
              {shortNumber(term.weight)} × {signed(term.value)} <i>{tokens.value[term.token]?.text}</i>
            </span>
          ))}
          {weights && weights.length > kTerms && (
            <span class="term" data-product={sum.rest}>
              {" + "}
              {t("formula_rest", { count: weights.length - kTerms, value: signed(sum.rest) })}
            </span>
          )}
        </span>
      )}
    </p>
  );
}

// A row in words: the strongest targets, the entropy as a number of tokens, and what is hidden.
import { t } from "../i18n/index.ts";
import { hiddenMass, shortNumber, spreadOver, strongest } from "../maths/rows.ts";
import { light } from "../state/light.ts";
import { hideSpecial, isShown, tokens } from "../state/session.ts";

export function Strongest({ row }: { readonly row: readonly number[] }) {
  const targets = strongest(row, isShown);
  if (targets.length === 0) return <p class="strongest">{t("nothing_strong")}</p>;
  return (
    <p class="strongest">
      {t(light.value === "readers" ? "strongest_readers" : "strongest")}{" "}
      {targets.map((target, i) => (
        <span key={target.index} class="target">
          {i > 0 && ", "}
          {tokens.value[target.index]?.text}
        </span>
      ))}
    </p>
  );
}

export function HiddenMass({ row }: { readonly row: readonly number[] }) {
  if (!hideSpecial.value) return null;
  const mass = hiddenMass(row, isShown);
  return (
    <p class="hidden-mass" data-value={mass}>
      {t("special_hides", { mass: shortNumber(mass) })}
    </p>
  );
}

export function Spread({ entropy }: { readonly entropy: number }) {
  const count = spreadOver(entropy).toFixed(1);
  const words = count === "1.0" ? t("spread_one") : t("spread_many", { count });
  return (
    <p class="spread" data-value={entropy} title={t("spread_meaning")}>
      {t("spread", { entropy: entropy.toFixed(2), words })}
    </p>
  );
}

/** What the numbers of a card add up to, where they are not a row of weights. */
export function Total({ total, queries }: { readonly total: number; readonly queries: number }) {
  return (
    <p class="spread" data-value={total}>
      {light.value === "norms" ? t("total_norms", { total: total.toPrecision(3) }) : t("total_readers", { total: total.toFixed(2), queries })}
    </p>
  );
}

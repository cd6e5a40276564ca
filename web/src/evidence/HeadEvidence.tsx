// What a head does, only as far as there is evidence, and on what grounds.
import { t } from "../i18n/index.ts";
import { groundsOf, kLooks, relationsOf, type HeadRelation } from "../maths/evidence.ts";
import { percent } from "../maths/vectors.ts";
import { abilities } from "../state/evidence.ts";
import { relationName } from "./names.ts";

const kMostRelations = 3;

function Line({ one }: { readonly one: HeadRelation }) {
  const { looks, offset, right, without, cost } = one;
  return (
    <li data-relation={`${one.language}.${one.relation}`} data-looks={looks} data-cost={cost ?? undefined}>
      <b>{relationName(one)}</b>{" "}
      {t("evidence_looks", { looks: percent(looks), offset: percent(offset), pairs: one.pairs })}{" "}
      {without && t("evidence_without", { right: percent(right), zero: percent(without.zero), mean: percent(without.mean), resample: percent(without.resample) })}
    </li>
  );
}

export function HeadEvidence({ layer, head }: { readonly layer: number; readonly head: number }) {
  const known = abilities.value;
  const relations = known ? relationsOf(known, layer, head) : [];
  const grounds = groundsOf(relations);
  const worth = relations.filter((one) => one.role || one.looks >= kLooks);
  const shown = (worth.length > 0 ? worth : relations).slice(0, kMostRelations);
  return (
    <details class="evidence" data-grounds={grounds}>
      <summary>
        <span class={`grounds ${grounds}`} title={t(`grounds_${grounds}_what`)}>
          {t(`grounds_${grounds}`)}
        </span>{" "}
        {worth[0] && relationName(worth[0])}
      </summary>
      <p class="hint">{t(known ? `grounds_${grounds}_what` : "grounds_unmeasured")}</p>
      <ul>
        {shown.map((one) => (
          <Line key={one.language + one.relation} one={one} />
        ))}
      </ul>
    </details>
  );
}

// How a training ended: what the model names on words that never met in training, and which heads look where.
// Nothing but counts; what a head is needed for was not measured.
import type { Snapshot, TrainingEnd } from "../api/types.ts";
import { relationName } from "../evidence/names.ts";
import { t } from "../i18n/index.ts";
import { bestHeads, learnedOf, stands } from "../maths/training.ts";
import { percent } from "../maths/vectors.ts";

interface Props {
  readonly end: TrainingEnd;
  readonly last: Snapshot | null;
  readonly heads: number;
}

function HeldOutLines({ end }: { readonly end: TrainingEnd }) {
  const { learned, open } = learnedOf(end.heldout ?? []);
  const list = (parts: typeof learned) => parts.map((one) => `${relationName(one)} ${percent(one.accuracy)}`).join(" · ");
  const asked = (end.heldout ?? []).reduce((sum, one) => sum + one.asked, 0);
  if (asked === 0) return null;
  return (
    <>
      <p>{t("live_asked", { asked })}</p>
      <p data-learned={learned.length}>{learned.length > 0 ? t("live_learned", { list: list(learned) }) : t("live_learned_none")}</p>
      {open.length > 0 && <p>{t("live_open", { list: list(open) })}</p>}
    </>
  );
}

export function Outcome({ end, last, heads }: Props) {
  const standing = last ? bestHeads(last).filter(stands) : [];
  return (
    <div class="live-outcome" data-outcome={end.outcome}>
      <h4>{t(`live_${end.outcome}`, { step: end.step ?? 0, seconds: Math.round(end.seconds ?? 0) })}</h4>
      {end.message && <p class="wrong">{end.message}</p>}
      <HeldOutLines end={end} />
      {last && <p>{t(standing.length > 0 ? "live_standing" : "live_standing_none")}</p>}
      <ul>
        {standing.map(({ relation, head, looks, offset }) => (
          <li key={relation.language + relation.relation}>
            {t("live_standing_head", {
              layer: Math.floor(head / heads),
              head: head % heads,
              relation: relationName(relation),
              looks,
              pairs: relation.pairs ?? 0,
              offset: offset ?? 0,
            })}
          </li>
        ))}
      </ul>
      {last && <p class="hint">{t("live_caution")}</p>}
    </div>
  );
}

// All relations at one step: how many hidden words the model names, which head looks along each most often, and
// what the best fixed distance finds.
import type { Snapshot } from "../api/types.ts";
import { relationKey, relationName } from "../evidence/names.ts";
import { t } from "../i18n/index.ts";
import { bestHeads, stands } from "../maths/training.ts";
import { theme } from "../state/preferences.ts";
import { headColour } from "../ui/colour.ts";

interface Props {
  readonly snapshot: Snapshot;
  readonly heads: number;
  readonly chosen: number;
  readonly onChoose: (relation: number) => void;
}

export function RelationTable({ snapshot, heads, chosen, onChoose }: Props) {
  return (
    <table class="live-relations">
      <caption class="hidden-text">{t("live_relations_caption", { step: snapshot.step })}</caption>
      <thead>
        <tr>
          <th scope="col">{t("training_relation")}</th>
          <th scope="col">{t("live_right")}</th>
          <th scope="col">{t("live_best")}</th>
          <th scope="col">{t("live_offset")}</th>
        </tr>
      </thead>
      <tbody>
        {bestHeads(snapshot).map((best, i) => {
          const { relation, head, looks, offset } = best;
          return (
            <tr key={relationKey(relation)} data-relation={relationKey(relation)} style={{ "--head": headColour(head % heads, theme.value) }}>
              <th scope="row">
                <button type="button" class="quiet" aria-pressed={i === chosen} onClick={() => onChoose(i)}>
                  {relationName(relation)}
                </button>
              </th>
              <td>
                <span class="live-bar" style={{ "--light": relation.right / 100 }} aria-hidden="true" /> {relation.right} %
              </td>
              <td class={stands(best) ? "stands" : undefined} data-best={`${Math.floor(head / heads)}.${head % heads}`} data-looks={looks}>
                <span class="live-dot" aria-hidden="true" />
                {Math.floor(head / heads)}.{head % heads}: {looks} %
              </td>
              <td>{offset === null ? "–" : `${offset} %`}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

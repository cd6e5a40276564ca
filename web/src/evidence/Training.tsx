// How heads came to look where they look: the record of the training, step by step.
import { useSignal } from "@preact/signals";
import { snapshot } from "../api/snapshot.ts";
import type { Emergence } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { touchWork } from "../state/idle.ts";
import { emergence, wantEmergence } from "../state/evidence.ts";
import { chooseHead, model, chosenHead, layer } from "../state/session.ts";
import { LiveTraining } from "../training/LiveTraining.tsx";
import { relationKey, relationName } from "./names.ts";
import { RelationChart, RelationGrid } from "./TrainingCharts.tsx";

function Record({ all }: { readonly all: Emergence }) {
  const snapshots = all.snapshots;
  const chosen = useSignal(0);
  const at = useSignal(snapshots.length - 1);
  const index = Math.min(at.value, snapshots.length - 1);
  const current = snapshots[index];
  if (!current || current.relations.length === 0) return <p class="hint">{t("training_empty")}</p>;
  const relation = Math.min(chosen.value, current.relations.length - 1);
  const set = (change: () => void) => {
    touchWork();
    change();
  };
  const props = { snapshots, relation, at: index, heads: model.value?.n_heads ?? 1 };
  return (
    <>
      <p class="training-controls">
        <label>
          {t("training_relation")}{" "}
          <select id="training-relation" value={relation} onChange={(event) => set(() => (chosen.value = Number(event.currentTarget.value)))}>
            {current.relations.map((one, i) => (
              <option key={relationKey(one)} value={i}>
                {relationName(one)}
              </option>
            ))}
          </select>
        </label>
        <label class="training-slider">
          {t("training_step", { step: current.step })}
          <input
            id="training-at"
            type="range"
            min={0}
            max={snapshots.length - 1}
            value={index}
            aria-valuetext={t("training_step", { step: current.step })}
            onInput={(event) => set(() => (at.value = Number(event.currentTarget.value)))}
          />
        </label>
      </p>
      <p class="hint" role="status" data-right={current.relations[relation]!.right}>
        {t("training_right", { right: current.relations[relation]!.right })}
      </p>
      <div class="training-parts">
        <RelationGrid {...props} chosen={{ layer: layer.value, head: chosenHead.value }} onChoose={chooseHead} />
        <RelationChart {...props} />
      </div>
    </>
  );
}

/** What is on record of the chosen model, where there is a record. */
function Recorded() {
  if (!model.value?.records?.includes("emergence")) return null;
  return (
    <>
      <p class="hint">{t("training_lead")}</p>
      {emergence.value ? <Record all={emergence.value} /> : <p class="loading">{t("training_loading")}</p>}
    </>
  );
}

export function Training() {
  if (snapshot) return null;
  return (
    <details class="training" onToggle={(event) => event.currentTarget.open && wantEmergence()}>
      <summary>
        <h2>{t("training_title")}</h2>
      </summary>
      <Recorded />
      <LiveTraining />
    </details>
  );
}

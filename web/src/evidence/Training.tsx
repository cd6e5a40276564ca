// How heads came to look where they look: the record of the training, step by step.
import { useSignal } from "@preact/signals";
import { snapshot } from "../api/snapshot.ts";
import type { Emergence, Snapshot } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { touchWork } from "../state/idle.ts";
import { theme } from "../state/preferences.ts";
import { emergence, wantEmergence } from "../state/evidence.ts";
import { chooseHead, model, pinnedHead, layer } from "../state/session.ts";
import { headColour } from "../ui/colour.ts";
import { relationKey, relationName } from "./names.ts";

const kWidth = 600;
const kHeight = 120;

/** A line through percents, the first snapshot at the left edge. */
function line(percents: readonly number[]): string {
  const last = Math.max(1, percents.length - 1);
  return percents.map((value, i) => `${i === 0 ? "M" : "L"}${((kWidth * i) / last).toFixed(1)} ${(kHeight * (1 - value / 100)).toFixed(1)}`).join("");
}

interface RelationProps {
  readonly snapshots: readonly Snapshot[];
  readonly relation: number;
  readonly at: number;
}

function Chart({ snapshots, relation, at }: RelationProps) {
  const heads = model.value?.n_heads ?? 1;
  const count = snapshots[0]!.relations[relation]!.heads.length;
  const x = (kWidth * at) / Math.max(1, snapshots.length - 1);
  return (
    <svg class="training-chart" viewBox={`0 -4 ${kWidth} ${kHeight + 8}`} preserveAspectRatio="none" aria-hidden="true">
      <line class="zero-line" x1={x} x2={x} y1="0" y2={kHeight} />
      {Array.from({ length: count }, (_, index) => (
        <path key={index} class="training-head" d={line(snapshots.map((one) => one.relations[relation]!.heads[index]!))} style={{ "--head": headColour(index % heads, theme.value) }} />
      ))}
      <path class="training-right" d={line(snapshots.map((one) => one.relations[relation]!.right))} />
    </svg>
  );
}

/** Layers × heads, each as bright as the share of pairs that it looks along. */
function Grid({ snapshots, relation, at }: RelationProps) {
  const heads = model.value?.n_heads ?? 1;
  const percents = snapshots[at]!.relations[relation]!.heads;
  return (
    <div class="training-grid" style={{ "--columns": heads }}>
      {percents.map((value, index) => {
        const [ofLayer, head] = [Math.floor(index / heads), index % heads];
        const here = ofLayer === layer.value && head === pinnedHead.value;
        return (
          <button
            key={index}
            type="button"
            class={here ? "training-cell pinned" : "training-cell"}
            data-training={`${ofLayer}.${head}`}
            data-value={value}
            aria-label={t("training_cell", { layer: ofLayer, head, value })}
            title={t("training_cell", { layer: ofLayer, head, value })}
            style={{ "--head": headColour(head, theme.value), "--light": value / 100 }}
            onClick={() => chooseHead(ofLayer, head)}
          >
            {value}
          </button>
        );
      })}
    </div>
  );
}

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
  const props = { snapshots, relation, at: index };
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
        <Grid {...props} />
        <Chart {...props} />
      </div>
    </>
  );
}

export function Training() {
  if (snapshot || !model.value?.records?.includes("emergence")) return null;
  return (
    <details class="training" onToggle={(event) => event.currentTarget.open && wantEmergence()}>
      <summary>
        <h2>{t("training_title")}</h2>
      </summary>
      <p class="hint">{t("training_lead")}</p>
      {emergence.value ? <Record all={emergence.value} /> : <p class="loading">{t("training_loading")}</p>}
    </details>
  );
}

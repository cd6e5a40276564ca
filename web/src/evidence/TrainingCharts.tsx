// One relation through a training: how often every head looked along it, as a grid at one step and as lines.
import { Fragment } from "preact";
import type { Snapshot } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { theme } from "../state/preferences.ts";
import { headColour } from "../ui/colour.ts";

const kWidth = 600;
const kHeight = 120;

/** A line through percents, the first snapshot at the left edge. */
function line(percents: readonly number[]): string {
  const last = Math.max(1, percents.length - 1);
  return percents.map((value, i) => `${i === 0 ? "M" : "L"}${((kWidth * i) / last).toFixed(1)} ${(kHeight * (1 - value / 100)).toFixed(1)}`).join("");
}

export interface RelationProps {
  readonly snapshots: readonly Snapshot[];
  readonly relation: number;
  readonly at: number;
  /** Heads of a layer. */
  readonly heads: number;
}

export function RelationChart({ snapshots, relation, at, heads }: RelationProps) {
  const count = snapshots[0]!.relations[relation]!.heads.length;
  const x = (kWidth * at) / Math.max(1, snapshots.length - 1);
  return (
    <div class="training-plot" aria-hidden="true">
      <div class="training-scale">
        <span>100 %</span>
        <span>0 %</span>
      </div>
      <svg class="training-chart" viewBox={`0 -4 ${kWidth} ${kHeight + 8}`} preserveAspectRatio="none">
        <line class="zero-line" x1="0" x2={kWidth} y1="0" y2="0" />
        <line class="zero-line" x1="0" x2={kWidth} y1={kHeight} y2={kHeight} />
        <line class="training-now" x1={x} x2={x} y1="0" y2={kHeight} />
        {Array.from({ length: count }, (_, index) => (
          <path key={index} class="training-head" d={line(snapshots.map((one) => one.relations[relation]!.heads[index]!))} style={{ "--head": headColour(index % heads, theme.value) }} />
        ))}
        <path class="training-right" d={line(snapshots.map((one) => one.relations[relation]!.right))} />
      </svg>
      <div class="training-steps">
        <span>{t("training_step", { step: snapshots[0]!.step })}</span>
        <span>{t("training_step", { step: snapshots.at(-1)!.step })}</span>
      </div>
    </div>
  );
}

interface GridProps extends RelationProps {
  readonly chosen: { readonly layer: number; readonly head: number | null };
  readonly onChoose: (layer: number, head: number) => void;
}

/** Layers × heads, each as bright as the share of pairs that it looks along. */
export function RelationGrid({ snapshots, relation, at, heads, chosen, onChoose }: GridProps) {
  const percents = snapshots[at]!.relations[relation]!.heads;
  const cell = (layer: number, head: number) => {
    const value = percents[layer * heads + head]!;
    const here = layer === chosen.layer && head === chosen.head;
    return (
      <button
        key={head}
        type="button"
        class={here ? "training-cell chosen" : "training-cell"}
        data-training={`${layer}.${head}`}
        data-value={value}
        aria-label={t("training_cell", { layer, head, value })}
        title={t("training_cell", { layer, head, value })}
        style={{ "--head": headColour(head, theme.value), "--light": value / 100 }}
        onClick={() => onChoose(layer, head)}
      >
        {value}
      </button>
    );
  };
  const each = Array.from({ length: heads }, (_, head) => head);
  return (
    <div class="training-grid" style={{ "--columns": heads }}>
      <span class="training-name" aria-hidden="true">
        {t("overview_heads")}
      </span>
      {each.map((head) => (
        <span key={head} class="training-name head" aria-hidden="true">
          {head}
        </span>
      ))}
      {Array.from({ length: percents.length / heads }, (_, layer) => (
        <Fragment key={layer}>
          <span class="training-name" aria-hidden="true">
            {t("overview_layer", { layer })}
          </span>
          {each.map((head) => cell(layer, head))}
        </Fragment>
      ))}
    </div>
  );
}

// "Train a small model now": its loss, what it comes to know, and its heads taking up their work, as it happens.
import { useSignal } from "@preact/signals";
import { RelationChart, RelationGrid } from "../evidence/TrainingCharts.tsx";
import { relationName } from "../evidence/names.ts";
import { t } from "../i18n/index.ts";
import { touchWork } from "../state/idle.ts";
import { busy, end, foreign, latestStep, liveProblem, phase, snapshots, start, steps, stop, train, underWay, watchOther } from "../state/live.ts";
import { Notice } from "../ui/Notice.tsx";
import { LossCurve } from "./LossCurve.tsx";
import { Outcome } from "./Outcome.tsx";
import { RelationTable } from "./RelationTable.tsx";
import { SentenceRows } from "./SentenceRows.tsx";

const kHeads = [1, 2, 4, 8];
const kUsualHeads = 4;
const kTold = 10; // times that a whole training is told of

function StartForm() {
  const seed = useSignal(1);
  const heads = useSignal(kUsualHeads);
  return (
    <form
      class="live-form"
      onSubmit={(event) => {
        event.preventDefault();
        train({ seed: seed.value, n_heads: heads.value });
      }}
    >
      <label>
        {t("live_heads")}{" "}
        <select id="live-heads" value={heads.value} onChange={(event) => (heads.value = Number(event.currentTarget.value))}>
          {kHeads.map((count) => (
            <option key={count} value={count}>
              {count}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t("live_seed")}{" "}
        <input
          id="live-seed"
          type="number"
          min={0}
          max={999999}
          step={1}
          required
          value={seed.value}
          onInput={(event) => event.currentTarget.validity.valid && (seed.value = event.currentTarget.valueAsNumber)}
        />
      </label>
      <button type="submit" class="primary" id="live-train" disabled={underWay.value}>
        {t(end.value ? "live_again" : "live_train")}
      </button>
    </form>
  );
}

/** "40 s", "3 min" */
function about(seconds: number): string {
  return seconds < 100 ? t("live_seconds", { count: Math.max(0, Math.round(seconds)) }) : t("live_minutes", { count: Math.round(seconds / 60) });
}

function Progress() {
  const [begun, step] = [start.value, latestStep.value];
  if (!begun || !step) return <p class="loading">{t("live_starting")}</p>;
  const left = about((step.seconds / step.step) * (begun.steps - step.step));
  return (
    <p class="live-progress" data-step={step.step}>
      <progress max={begun.steps} value={step.step} aria-label={t("live_progress")} />{" "}
      {t("live_step", { step: step.step, steps: begun.steps, left })}
    </p>
  );
}

/** What a screen reader hears: a tenth of the way at a time, not every step. */
function Told() {
  const [begun, step] = [start.value, latestStep.value];
  const tenth = begun && step ? Math.floor((kTold * step.step) / begun.steps) : 0;
  const text = phase.value === "ended" ? t("live_told_end", { step: step?.step ?? 0 }) : underWay.value && tenth > 0 ? t("live_told", { percent: (100 / kTold) * tenth }) : "";
  return (
    <p class="hidden-text" role="status" data-told={tenth}>
      {text}
    </p>
  );
}

function SoFar() {
  const chosen = useSignal(0);
  const at = useSignal<number | null>(null); // null: the newest, as they come
  const pinned = useSignal<{ layer: number; head: number | null }>({ layer: 0, head: null });
  const all = snapshots.value;
  const heads = start.value?.n_heads ?? 1;
  if (all.length === 0) return null;
  const index = Math.min(at.value ?? all.length - 1, all.length - 1);
  const snapshot = all[index]!;
  const relation = Math.min(chosen.value, snapshot.relations.length - 1);
  const set = (change: () => void) => {
    touchWork();
    change();
  };
  const scrub = (to: number) => set(() => (at.value = to === all.length - 1 ? null : to));
  const props = { snapshots: all, relation, at: index, heads };
  return (
    <>
      <p class="training-controls">
        <label class="training-slider">
          {t("training_step", { step: snapshot.step })}
          <input
            id="live-at"
            type="range"
            min={0}
            max={all.length - 1}
            value={index}
            data-snapshot={snapshot.step}
            aria-valuetext={t("training_step", { step: snapshot.step })}
            onInput={(event) => scrub(Number(event.currentTarget.value))}
          />
        </label>
        <button type="button" class="quiet" disabled={at.value === null} onClick={() => set(() => (at.value = null))}>
          {t("live_newest")}
        </button>
      </p>
      <SentenceRows snapshot={snapshot} heads={heads} />
      <h4>{t("live_relations")}</h4>
      <div class="live-parts">
        <RelationTable snapshot={snapshot} heads={heads} chosen={relation} onChoose={(next) => set(() => (chosen.value = next))} />
        <div class="live-relation">
          <p>
            <b>{relationName(snapshot.relations[relation]!)}</b> {t("live_chart")}
          </p>
          <RelationChart {...props} />
          <RelationGrid {...props} chosen={pinned.value} onChoose={(layer, head) => set(() => (pinned.value = { layer, head }))} />
        </div>
      </div>
    </>
  );
}

function Elsewhere() {
  const other = busy.value;
  if (!other) return null;
  return (
    <p class="notice" role="alert">
      {t("live_busy")}{" "}
      <button type="button" id="live-watch" onClick={() => watchOther(other)}>
        {t("live_watch")}
      </button>
    </p>
  );
}

export function LiveTraining() {
  const last = snapshots.value.at(-1) ?? null;
  return (
    <section class="live" aria-labelledby="live-title" data-phase={phase.value}>
      <h3 id="live-title">{t("live_title")}</h3>
      <p class="hint">{t("live_lead")}</p>
      <div class="live-controls">
        <StartForm />
        {underWay.value && (
          <button type="button" id="live-stop" disabled={phase.value === "stopping"} onClick={() => void stop()}>
            {t(phase.value === "stopping" ? "live_stopping" : foreign.value ? "live_leave" : "live_stop")}
          </button>
        )}
      </div>
      <Elsewhere />
      {liveProblem.value && <Notice problem={liveProblem.value} />}
      <Told />
      {underWay.value && <Progress />}
      {end.value && <Outcome end={end.value} last={last} heads={start.value?.n_heads ?? 1} />}
      {steps.value.length > 1 && <LossCurve steps={steps.value} total={start.value?.steps ?? 1} />}
      <SoFar />
    </section>
  );
}

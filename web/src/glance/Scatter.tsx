// Heads as points: two measures against each other. One stop for the keyboard; the arrow keys walk along the axes.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import type { Measure } from "../maths/measures.ts";
import { isAlong, stepAlong, type Point } from "../maths/points.ts";
import { ticks } from "../maths/ticks.ts";
import { theme } from "../state/preferences.ts";
import { chooseHead, layer, chosenHead } from "../state/session.ts";
import { headColour } from "../ui/colour.ts";
import { measureName, measureNumber, tickNumber } from "./names.tsx";

const kTicks = 5;

interface Axis {
  readonly measure: Measure;
  readonly marks: readonly number[];
  readonly place: (value: number) => number;
}

/** Fitted to the heads: they are told apart by where they differ, not by how far all of them are from zero. */
function axisOf(measure: Measure): Axis {
  const marks = ticks(Math.min(...measure.values), Math.max(...measure.values), kTicks);
  const [low, high] = [marks[0]!, marks.at(-1)!];
  return { measure, marks, place: (value) => (value - low) / (high - low) };
}

/** "Layer 2, head 3: entropy 1.25 nats; mean distance 3.1 tokens" */
function words(point: Point, heads: number, x: Axis, y: Axis): string {
  const told = ({ measure }: Axis) => `${measureName(measure.key)} ${measureNumber(measure.unit, measure.values[point.index]!)}`;
  return t("scatter_point", { layer: Math.floor(point.index / heads), head: point.index % heads, x: told(x), y: told(y) });
}

function Marks({ x, y }: { readonly x: Axis; readonly y: Axis }) {
  const percent = (part: number) => `${(100 * part).toFixed(2)}%`;
  return (
    <div aria-hidden="true">
      {x.marks.map((mark) => (
        <span key={`x${mark}`} class="scatter-line along-x" style={{ left: percent(x.place(mark)) }}>
          <span>{tickNumber(x.measure.unit, mark)}</span>
        </span>
      ))}
      {y.marks.map((mark) => (
        <span key={`y${mark}`} class="scatter-line along-y" style={{ bottom: percent(y.place(mark)) }}>
          <span>{tickNumber(y.measure.unit, mark)}</span>
        </span>
      ))}
    </div>
  );
}

interface ScatterProps {
  readonly heads: number;
  readonly x: Measure;
  readonly y: Measure;
}

export function Scatter({ heads, ...measures }: ScatterProps) {
  const at = useSignal<number | null>(null);
  const [x, y] = [axisOf(measures.x), axisOf(measures.y)];
  const points = measures.x.values.map((value, index) => ({ index, x: x.place(value), y: y.place(measures.y.values[index]!) }));
  const chosen = chosenHead.value === null ? null : layer.value * heads + chosenHead.value;
  const active = at.value ?? chosen;
  const open = (index: number) => chooseHead(Math.floor(index / heads), index % heads);
  const onKey = (event: KeyboardEvent) => {
    if ((event.key === "Enter" || event.key === " ") && active !== null) open(active);
    else if (isAlong(event.key)) at.value = stepAlong(event.key, active, points);
    else return;
    event.preventDefault();
  };
  return (
    <figure class="scatter">
      <figcaption class="hidden-text">{t("scatter_label", { x: measureName(x.measure.key), y: measureName(y.measure.key) })}</figcaption>
      <div
        id="scatter"
        class="scatter-plot"
        role="listbox"
        tabIndex={0}
        aria-label={t("scatter_label", { x: measureName(x.measure.key), y: measureName(y.measure.key) })}
        aria-activedescendant={active === null ? undefined : `point-${active}`}
        onKeyDown={onKey}
        onPointerLeave={() => (at.value = null)}
      >
        <Marks x={x} y={y} />
        {points.map((point) => {
          const [ofLayer, head] = [Math.floor(point.index / heads), point.index % heads];
          const classes = ["point", ofLayer === layer.value && "here", point.index === chosen && "chosen", point.index === active && "active"];
          return (
            <div
              key={point.index}
              id={`point-${point.index}`}
              role="option"
              class={classes.filter(Boolean).join(" ")}
              data-point={`${ofLayer}.${head}`}
              data-x={measures.x.values[point.index]}
              data-y={measures.y.values[point.index]}
              aria-selected={point.index === chosen}
              aria-label={words(point, heads, x, y)}
              style={{ left: `${100 * point.x}%`, bottom: `${100 * point.y}%`, "--head": headColour(head, theme.value) }}
              onPointerEnter={() => (at.value = point.index)}
              onClick={() => open(point.index)}
            >
              {ofLayer}
            </div>
          );
        })}
      </div>
      <p class="scatter-told" data-told={active ?? ""}>
        {active === null ? t("scatter_hint") : words(points[active]!, heads, x, y)}
      </p>
    </figure>
  );
}

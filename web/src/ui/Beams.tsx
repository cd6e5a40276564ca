// The light itself: one cone per token, from the lamp at the query token to the token's line.
import { kFaint } from "../maths/rows.ts";

const kWidth = 88;
const kLamp = 9;

interface BeamsProps {
  /** Unique in the page: gradients are found by it. */
  readonly id: string;
  readonly weights: readonly number[];
  readonly rowHeight: number;
  /** Height of the lamp in pixels from the top. */
  readonly lampY: number;
}

function cone(weight: number, y: number, lampY: number, rowHeight: number): string {
  const half = Math.max(0.5, (Math.min(weight, 1) * (rowHeight - 2)) / 2);
  const bend = kLamp + (kWidth - kLamp) * 0.55;
  const source = `${kLamp} ${lampY}`;
  return (
    `M${source}C${bend} ${lampY} ${bend} ${y - half} ${kWidth} ${y - half}` +
    `V${y + half}C${bend} ${y + half} ${bend} ${lampY} ${source}Z`
  );
}

export function Beams({ id, weights, rowHeight, lampY }: BeamsProps) {
  const height = weights.length * rowHeight;
  return (
    <svg class="beams" width={kWidth} height={height} viewBox={`0 0 ${kWidth} ${height}`} aria-hidden="true">
      <defs>
        <linearGradient id={id} gradientUnits="userSpaceOnUse" x1={kLamp} x2={kWidth} y1="0" y2="0">
          <stop class="beam-source" offset="0" />
          <stop class="beam-end" offset="1" />
        </linearGradient>
      </defs>
      {weights.map((weight, key) =>
        weight < kFaint ? null : (
          <path
            key={key}
            d={cone(weight, (key + 0.5) * rowHeight, lampY, rowHeight)}
            fill={`url(#${id})`}
            opacity={Math.min(1, 0.16 + 0.84 * Math.sqrt(weight)).toFixed(3)}
          />
        ),
      )}
      <circle class="lamp-glow" cx={kLamp} cy={lampY} r="8" />
      <circle class="lamp" cx={kLamp} cy={lampY} r="4.5" />
    </svg>
  );
}

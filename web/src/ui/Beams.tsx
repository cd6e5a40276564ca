// The light itself: one cone per token, from the lamp at the query token to the token's line.
import { kFaint } from "../maths/rows.ts";
import { cone, kLamp, opacityOf } from "./cone.ts";

interface BeamsProps {
  readonly width: number;
  /** Unique in the page: gradients are found by it. */
  readonly id: string;
  readonly weights: readonly number[];
  readonly rowHeight: number;
  /** Height of the lamp in pixels from the top. */
  readonly lampY: number;
  /** Written under the lamp where no line of the list is the query token's own. */
  readonly lampWord?: string;
}

/** The paint of all cones of a picture, by the name `id`: brightest at the lamp. */
export function BeamLight({ id, width }: { readonly id: string; readonly width: number }) {
  return (
    <defs>
      <linearGradient id={id} gradientUnits="userSpaceOnUse" x1={kLamp} x2={width} y1="0" y2="0">
        <stop class="beam-source" offset="0" />
        <stop class="beam-end" offset="1" />
      </linearGradient>
    </defs>
  );
}

export function Lamp({ y }: { readonly y: number }) {
  return (
    <>
      <circle class="lamp-glow" cx={kLamp} cy={y} r="8" />
      <circle class="lamp" cx={kLamp} cy={y} r="4.5" />
    </>
  );
}

export function Beams(props: BeamsProps) {
  const { id, width, weights, rowHeight, lampY, lampWord } = props;
  const height = weights.length * rowHeight;
  return (
    <svg class="beams" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <BeamLight id={id} width={width} />
      {weights.map((weight, key) =>
        weight < kFaint ? null : (
          <path
            key={key}
            d={cone(weight, (key + 0.5) * rowHeight, props)}
            fill={`url(#${id})`}
            opacity={opacityOf(weight)}
          />
        ),
      )}
      <Lamp y={lampY} />
      {lampWord && (
        <text class="lamp-word" x={kLamp} y={lampY + 22} text-anchor="middle">
          {lampWord}
        </text>
      )}
    </svg>
  );
}

// Four numbers, each as a slider and as a box.
import type { Key } from "../i18n/en.ts";
import { t } from "../i18n/index.ts";
import { kMost, type Dimensions } from "../maths/dimensions.ts";
import { change, dimensions } from "./state.ts";

interface SliderProps {
  readonly name: keyof Dimensions;
  readonly meaning: Key;
}

const kSliders: readonly SliderProps[] = [
  { name: "d_model", meaning: "dims_d_model" },
  { name: "n_heads", meaning: "dims_n_heads" },
  { name: "n_kv_heads", meaning: "dims_n_kv_heads" },
  { name: "length", meaning: "dims_length" },
];

/** Sliders of widths and lengths go by powers of two, in sixteen steps each: even where numbers are small. */
const kSteps = 16;

function Slider({ name, meaning }: SliderProps) {
  const value = dimensions.value[name];
  const byPowers = name === "d_model" || name === "length";
  const most = kMost[name];
  const position = byPowers ? Math.round(Math.log2(value) * kSteps) : value;
  const set = (text: string) => {
    const number = Math.round(Number(text));
    if (number >= 1 && number <= most) change({ [name]: number });
  };
  return (
    <div class="dims-slider">
      <label for={`dims-${name}`}>
        <code>{name === "length" ? "T" : name}</code> <span class="hint">{t(meaning)}</span>
      </label>
      <input
        id={`dims-${name}`}
        type="range"
        min={byPowers ? 0 : 1}
        max={byPowers ? Math.log2(most) * kSteps : most}
        step={1}
        value={position}
        aria-valuetext={String(value)}
        onInput={(event) => {
          const at = Number(event.currentTarget.value);
          set(String(byPowers ? 2 ** (at / kSteps) : at));
        }}
      />
      <input
        class="number"
        type="number"
        min={1}
        max={most}
        value={value}
        data-dims={name}
        aria-label={t("dims_exact", { name: name === "length" ? "T" : name })}
        onInput={(event) => set(event.currentTarget.value)}
      />
    </div>
  );
}

export function Sliders() {
  return (
    <div class="dims-sliders">
      {kSliders.map((slider) => (
        <Slider key={slider.name} {...slider} />
      ))}
    </div>
  );
}

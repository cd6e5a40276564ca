// What a layer of given dimensions is made of, what it costs, and the code that makes it.
import { t } from "../i18n/index.ts";
import { kMost, layerOf, misfit, nearestDivisors, nearestMultiples, type Dimensions } from "../maths/dimensions.ts";
import { Costs } from "./Costs.tsx";
import { LayerCode } from "./LayerCode.tsx";
import { Shapes } from "./Shapes.tsx";
import { Sliders } from "./Sliders.tsx";
import { change, dimensions } from "./state.ts";

function Choices({ name, values }: { readonly name: keyof Dimensions; readonly values: readonly number[] }) {
  return (
    <span class="dims-choices">
      {values.map((value) => (
        <button key={value} type="button" data-choice={`${name}.${value}`} onClick={() => change({ [name]: value })}>
          {name} = {value}
        </button>
      ))}
    </span>
  );
}

/** Why the heads do not fit, and what does. */
function Misfit({ d }: { readonly d: Dimensions }) {
  if (misfit(d) === "n_heads") {
    const rest = d.d_model % d.n_heads;
    return (
      <div class="notice dims-misfit" role="alert" data-misfit="n_heads">
        <p>{t("dims_no_split", { ...d, each: Math.floor(d.d_model / d.n_heads), rest })}</p>
        <Choices name="n_heads" values={nearestDivisors(d.d_model, d.n_heads, kMost.n_heads)} />
        <Choices name="d_model" values={nearestMultiples(d.n_heads, d.d_model, kMost.d_model)} />
      </div>
    );
  }
  return (
    <div class="notice dims-misfit" role="alert" data-misfit="n_kv_heads">
      <p>{t("dims_no_groups", { ...d })}</p>
      <Choices name="n_kv_heads" values={nearestDivisors(d.n_heads, d.n_kv_heads, d.n_heads)} />
    </div>
  );
}

export function DimensionsView() {
  const d = dimensions.value;
  const fits = misfit(d) === null;
  return (
    <div class="dims">
      <section class="example-lead">
        <h1>{t("dims_title")}</h1>
        <p class="lead">{t("dims_lead")}</p>
      </section>
      <Sliders />
      {fits ? (
        <>
          <Shapes d={d} layer={layerOf(d)} />
          <Costs d={d} layer={layerOf(d)} />
          <LayerCode d={d} />
        </>
      ) : (
        <Misfit d={d} />
      )}
    </div>
  );
}

// The layer as a picture of d_model cut into heads, and every shape on the way.
import { t } from "../i18n/index.ts";
import type { Dimensions, Layer } from "../maths/dimensions.ts";
import { theme } from "../state/preferences.ts";
import { headColour } from "../ui/colour.ts";

/** Query heads in a row, each above the key/value head that it reads. */
function HeadsPicture({ d, layer }: { readonly d: Dimensions; readonly layer: Layer }) {
  const group = d.n_heads / d.n_kv_heads;
  const boxes = (count: number, colourOf: (head: number) => number, name: string) => (
    <div class="dims-heads" style={{ "--count": count }} data-boxes={name}>
      {Array.from({ length: count }, (_, head) => (
        <span key={head} class="dims-head" style={{ "--head": headColour(colourOf(head), theme.value) }} />
      ))}
    </div>
  );
  return (
    <figure class="dims-picture">
      <figcaption>{t("dims_heads_caption", { ...d, dim: layer.headDim })}</figcaption>
      {boxes(d.n_heads, (head) => head, "q")}
      {boxes(d.n_kv_heads, (head) => head * group, "kv")}
      <p class="hint">{t(group === 1 ? "dims_mha" : d.n_kv_heads === 1 ? "dims_mqa" : "dims_gqa", { group })}</p>
    </figure>
  );
}

export function Shapes({ d, layer }: { readonly d: Dimensions; readonly layer: Layer }) {
  return (
    <section class="step">
      <h2>{t("dims_shapes")}</h2>
      <HeadsPicture d={d} layer={layer} />
      <p class="hint">{t("dims_shapes_hint")}</p>
      <table class="loss-table dims-shapes">
        <caption class="hidden-text">{t("dims_shapes")}</caption>
        <tbody>
          {layer.shapes.map(({ name, shape }) => (
            <tr key={name} data-shape={name}>
              <th scope="row">{name}</th>
              <td>[{shape.join(", ")}]</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

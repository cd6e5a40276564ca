// What the grid of heads is coloured by: patterns, or a number that was measured of each head.
import { computed, signal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { headIndex, relationsOf } from "../maths/evidence.ts";
import { abilities } from "../state/evidence.ts";
import { touchWork } from "../state/idle.ts";
import { relationKey, relationName } from "./names.ts";

const kPattern = "";

/** "looks en.coreference" or "cost en.coreference"; empty: thumbnails of the patterns. */
const chosen = signal(kPattern);

/** A share in [0, 1] for each head of each layer, null for thumbnails. */
export const gridValues = computed<readonly number[] | null>(() => {
  const known = abilities.value;
  const [what, key] = chosen.value.split(" ");
  if (!known || !key || !known.relations.some((one) => relationKey(one) === key)) return null;
  const values: number[] = [];
  for (let layer = 0; layer < known.n_layers; layer++) {
    for (let head = 0; head < known.n_heads; head++) {
      const one = relationsOf(known, layer, head).find((relation) => relationKey(relation) === key);
      values[headIndex(known, layer, head)] = Math.max(0, (what === "looks" ? one?.looks : one?.cost) ?? 0);
    }
  }
  return values;
});

export function GridColour() {
  const known = abilities.value;
  if (!known || known.relations.length === 0) return null;
  const options = (what: "looks" | "cost") =>
    known.relations
      .filter((one) => one.pairs > 0 && (what === "looks" || one.without))
      .map((one) => (
        <option key={relationKey(one)} value={`${what} ${relationKey(one)}`}>
          {relationName(one)}
        </option>
      ));
  return (
    <label class="grid-colour">
      {t("grid_by")}{" "}
      <select
        id="grid-colour"
        value={chosen.value}
        onChange={(event) => {
          touchWork();
          chosen.value = event.currentTarget.value;
        }}
      >
        <option value={kPattern}>{t("grid_pattern")}</option>
        <optgroup label={t("grid_looks")}>{options("looks")}</optgroup>
        <optgroup label={t("grid_cost")}>{options("cost")}</optgroup>
      </select>
    </label>
  );
}

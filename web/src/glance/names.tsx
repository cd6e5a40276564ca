// Measures by name, and their numbers with units.
import { relationKey, relationName } from "../evidence/names.ts";
import type { Key } from "../i18n/en.ts";
import { t } from "../i18n/index.ts";
import { isTextMeasure, kTextMeasures, measuredParts, type TextMeasure, type Unit } from "../maths/measures.ts";
import { abilities } from "../state/evidence.ts";

const kNames: Readonly<Record<TextMeasure, Key>> = { entropy: "measure_entropy", distance: "measure_distance", sink: "measure_sink" };

export function measureName(key: string): string {
  if (isTextMeasure(key)) return t(kNames[key]);
  const parts = measuredParts(key);
  const relation = abilities.value?.relations.find((one) => relationKey(one) === parts?.relation);
  if (!parts || !relation) return key;
  return t(parts.what === "looks" ? "measure_looks" : "measure_cost", { relation: relationName(relation) });
}

/** "1.25 nats", "3.1 tokens", "87.5 %". */
export function measureNumber(unit: Unit, value: number): string {
  const places = value !== 0 && Math.abs(value) < 0.1 ? 3 : 2;
  const plain = (number: number, digits: number) => number.toFixed(digits).replace("-", "−");
  if (unit === "share") return `${plain(100 * value, 1)} %`;
  return t(unit === "nats" ? "measure_nats" : "measure_tokens", { value: plain(value, places) });
}

/** Without its unit, which stands beside the axis. */
export function tickNumber(unit: Unit, value: number): string {
  const number = unit === "share" ? 100 * value : value;
  return String(Number(number.toPrecision(6))).replace("-", "−");
}

const kUnits: Readonly<Record<Unit, Key>> = { nats: "unit_nats", tokens: "unit_tokens", share: "unit_share" };

export const unitName = (unit: Unit): string => t(kUnits[unit]);

/** The options of a choice of measures: those of this text, then those of labelled sentences. */
export function MeasureOptions() {
  const relations = (abilities.value?.relations ?? []).filter((one) => one.pairs > 0);
  const measured = (what: "looks" | "cost") =>
    relations
      .filter((one) => what === "looks" || one.without)
      .map((one) => (
        <option key={relationKey(one)} value={`${what} ${relationKey(one)}`}>
          {relationName(one)}
        </option>
      ));
  return (
    <>
      <optgroup label={t("grid_text")}>
        {kTextMeasures.map((key) => (
          <option key={key} value={key}>
            {t(kNames[key])}
          </option>
        ))}
      </optgroup>
      {relations.length > 0 && <optgroup label={t("grid_looks")}>{measured("looks")}</optgroup>}
      {relations.some((one) => one.without) && <optgroup label={t("grid_cost")}>{measured("cost")}</optgroup>}
    </>
  );
}

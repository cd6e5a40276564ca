// What the light of the cards stands for.
import type { Key } from "../i18n/en.ts";
import { t } from "../i18n/index.ts";
import { chooseLight, light } from "../state/light.ts";

const kLights = [
  { light: "weights", name: "light_weights", what: "light_weights_what" },
  { light: "norms", name: "light_norms", what: "light_norms_what" },
  { light: "readers", name: "light_readers", what: "light_readers_what" },
] as const satisfies readonly { light: string; name: Key; what: Key }[];

export function LightChoice() {
  const chosen = kLights.find((one) => one.light === light.value)!;
  return (
    <fieldset class="ways light-choice">
      <legend>{t("light_label")}</legend>
      {kLights.map((one) => (
        <label key={one.light}>
          <input type="radio" name="light" value={one.light} checked={one === chosen} onChange={() => chooseLight(one.light)} /> {t(one.name)}
        </label>
      ))}
      <span class="hint">{t(chosen.what)}</span>
    </fieldset>
  );
}

import { t } from "../i18n/index.ts";
import { navigate } from "../state/address.ts";
import { language, theme } from "../state/preferences.ts";
import { modelName, models, openExample, openModel, view } from "../state/session.ts";
import { Logo } from "./Logo.tsx";

const kExample = "example:";
const kModel = "model:";

function ModelPicker() {
  const known = models.value?.models ?? [];
  const selected = view.value === "example" ? kExample : kModel + modelName.value;
  const choose = (value: string) => (value === kExample ? openExample() : openModel(value.slice(kModel.length)));
  return (
    <label class="picker">
      <span class="picker-label">{t("model_picker")}</span>
      <select id="model-picker" value={selected} onChange={(event) => choose(event.currentTarget.value)}>
        <option value={kExample}>{t("example_option")}</option>
        {known.length > 0 && (
          <optgroup label={t("models_group")}>
            {known.map((one) => (
              <option key={one.name} value={kModel + one.name}>
                {one.name} · {one.n_layers} × {one.n_heads}
              </option>
            ))}
          </optgroup>
        )}
      </select>
    </label>
  );
}

function Switches() {
  const dark = theme.value === "dark";
  const other = language.value === "en" ? "zh" : "en";
  return (
    <div class="switches">
      <button
        type="button"
        id="language-switch"
        class="quiet"
        lang={other === "zh" ? "zh-Hans" : "en"}
        aria-label={t("language_switch_label")}
        onClick={() => navigate({ language: other }, "replace")}
      >
        {t("language_switch")}
      </button>
      <button
        type="button"
        id="theme-switch"
        class="quiet"
        aria-label={t("theme_label")}
        onClick={() => navigate({ theme: dark ? "light" : "dark" }, "replace")}
      >
        {t(dark ? "theme_to_light" : "theme_to_dark")}
      </button>
    </div>
  );
}

export function Header() {
  return (
    <header class="header">
      <div class="brand">
        <Logo />
        <div>
          <span class="brand-name">Headlight</span>
          <span class="brand-line">{t("tagline")}</span>
        </div>
      </div>
      <ModelPicker />
      <Switches />
    </header>
  );
}

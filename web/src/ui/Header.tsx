import { snapshot, snapshotCompares } from "../api/snapshot.ts";
import { openCompare } from "../compare/state.ts";
import type { Key } from "../i18n/en.ts";
import { t } from "../i18n/index.ts";
import { navigate } from "../state/address.ts";
import { language, theme } from "../state/preferences.ts";
import { modelName, models, openDimensions, openExample, openLong, openModel, openModelView, view } from "../state/session.ts";
import type { View } from "../state/url.ts";
import { startWalk, stepNumber } from "../walk/state.ts";
import { Logo } from "./Logo.tsx";

function ModelPicker() {
  const known = models.value?.models ?? [];
  const selected = view.value === "model" ? (modelName.value ?? "") : "";
  const listed = known.some((one) => one.name === selected);
  return (
    <label class="picker">
      <span class="picker-label">{t("model_picker")}</span>
      <select id="model-picker" value={selected} disabled={known.length === 0} onChange={(event) => openModel(event.currentTarget.value)}>
        {!listed && (
          <option value={selected} disabled>
            {selected === "" ? t(known.length === 0 ? "no_models" : "choose_model") : selected}
          </option>
        )}
        {known.map((one) => (
          <option key={one.name} value={one.name}>
            {one.name} · {one.n_layers} × {one.n_heads}
          </option>
        ))}
      </select>
    </label>
  );
}

interface Page {
  readonly view: View;
  readonly name: Key;
  readonly open: () => void;
}

function pages(): Page[] {
  const name = modelName.value;
  const model: Page[] = name === null ? [] : [{ view: "model", name: "page_model", open: openModelView }];
  return [
    ...model,
    ...(name === null || (snapshot && !snapshotCompares) ? [] : [{ view: "compare", name: "page_compare", open: openCompare } as const]),
    { view: "example", name: "page_example", open: openExample },
    // A file measures nothing, and opens no texts.
    ...(snapshot ? [] : [{ view: "dimensions", name: "page_dimensions", open: openDimensions } as const]),
    ...(snapshot || name === null ? [] : [{ view: "long", name: "page_long", open: openLong } as const]),
  ];
}

function Pages() {
  return (
    <nav class="pages" aria-label={t("pages_label")}>
      {pages().map((page) => (
        <button
          key={page.view}
          type="button"
          class="page"
          data-page={page.view}
          aria-current={view.value === page.view ? "page" : undefined}
          onClick={page.open}
        >
          {t(page.name)}
        </button>
      ))}
      {modelName.value !== null && !snapshot && (
        <button type="button" class="page" id="walk" aria-pressed={stepNumber.value !== null} onClick={startWalk}>
          {t("walk_start")}
        </button>
      )}
    </nav>
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
      <Pages />
      <ModelPicker />
      <Switches />
    </header>
  );
}

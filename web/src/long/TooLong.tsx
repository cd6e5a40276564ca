// Where a text has too many tokens for cards and chips: the way to its map.
import { t } from "../i18n/index.ts";
import { language } from "../state/preferences.ts";
import { model, text, tooLong } from "../state/session.ts";
import { openText } from "./state.ts";

export function TooLong() {
  if (tooLong.value === null) return null;
  return (
    <div class="notice" role="status">
      <p>{t("long_instead", { length: tooLong.value.toLocaleString(language.value) })}</p>
      <button type="button" id="long-instead" onClick={() => void openText(text.value, false, model.value)}>
        {t("long_instead_open")}
      </button>
    </div>
  );
}

// How heads are switched off, which ones are, and back to all of them.
import { useSignal, useSignalEffect } from "@preact/signals";
import { snapshot } from "../../api/snapshot.ts";
import { openCompare } from "../../compare/state.ts";
import type { How } from "../../api/types.ts";
import type { Key } from "../../i18n/en.ts";
import { t } from "../../i18n/index.ts";
import { allOn, chooseHow, chooseOther, gates, how, other } from "../../state/concat.ts";
import { trace } from "../../state/session.ts";

const kWays: readonly { readonly how: How; readonly name: Key; readonly what: Key }[] = [
  { how: "zero", name: "how_zero", what: "how_zero_what" },
  { how: "mean", name: "how_mean", what: "how_mean_what" },
  { how: "resample", name: "how_resample", what: "how_resample_what" },
];

function OtherText() {
  const draft = useSignal(other.value);
  useSignalEffect(() => {
    draft.value = other.value;
  });
  const label = t(trace.value?.model.tokenizer === null ? "other_ids" : "other_text");
  return (
    <form
      class="other-text"
      onSubmit={(event) => {
        event.preventDefault();
        chooseOther(draft.value);
      }}
    >
      <input
        id="other-text"
        type="text"
        autocomplete="off"
        value={draft.value}
        aria-label={label}
        placeholder={label}
        onInput={(event) => (draft.value = event.currentTarget.value)}
      />
      <button type="submit">{t("other_use")}</button>
    </form>
  );
}

export function Switches() {
  const chosen = kWays.find((way) => way.how === how.value)!;
  return (
    <div class="switch-bar">
      <fieldset class="ways">
        <legend>{t("how_label")}</legend>
        {kWays.map((way) => (
          <label key={way.how}>
            <input
              type="radio"
              name="how"
              value={way.how}
              checked={way === chosen}
              onChange={() => chooseHow(way.how)}
            />
            {t(way.name)}
          </label>
        ))}
        <span class="hint">{t(chosen.what)}</span>
      </fieldset>
      {how.value === "resample" && <OtherText />}
      <p class="off-heads" role="status">
        {gates.value.size === 0
          ? t("all_heads_on")
          : t("heads_changed", { heads: [...gates.value].map(([key, gate]) => (gate === 0 ? key : `${key} × ${gate}`)).join(", ") })}
        {gates.value.size > 0 && (
          <button type="button" id="all-on" class="quiet" onClick={allOn}>
            {t("all_on")}
          </button>
        )}
        {gates.value.size > 0 && !snapshot && (
          <button type="button" id="before-after" class="quiet" onClick={openCompare}>
            {t("compare_open")}
          </button>
        )}
      </p>
    </div>
  );
}

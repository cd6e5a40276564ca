import { useSignal, useSignalEffect } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { analyse, chooseText, model, running, text, trace } from "../state/session.ts";

export function TextForm() {
  // The draft follows the address (back button, another model), never the other way round until Enter.
  const draft = useSignal(text.value);
  useSignalEffect(() => {
    draft.value = text.value;
  });
  const label = t(model.value?.tokenizer === null ? "ids_label" : "sentence_label");
  const readsIds = model.value?.tokenizer === null;
  const submit = (event: Event) => {
    event.preventDefault();
    if (draft.value === text.value && !trace.value) void analyse();
    else chooseText(draft.value);
  };
  return (
    <form class="ask-form" onSubmit={submit}>
      <div class="ask-line">
        <input
          id="sentence"
          type="text"
          autocomplete="off"
          spellcheck={false}
          value={draft.value}
          aria-label={label}
          placeholder={label}
          aria-describedby={readsIds ? "ids-hint" : undefined}
          onInput={(event) => (draft.value = event.currentTarget.value)}
        />
        <button id="analyse" class="primary" type="submit" aria-busy={running.value}>
          {t("analyse")}
        </button>
      </div>
      {readsIds && (
        <p id="ids-hint" class="hint">
          {t("ids_hint")}
        </p>
      )}
    </form>
  );
}

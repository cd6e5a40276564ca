// Where a long text comes in: pasted, or from a file. It never goes into the address.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { beginWork } from "../state/idle.ts";
import { language } from "../state/preferences.ts";
import { kScenarios, textOf } from "../maths/scenarios.ts";
import { models } from "../state/session.ts";
import { chooseLongModel, kMostBytes, longModel, longTrace, openText, opening } from "./state.ts";

const kilobytes = (bytes: number) => Math.ceil(bytes / 1000).toLocaleString(language.value);

const words = (sentences: readonly string[]) => sentences.join(" ").split(" ").length;

/** As many of the known sentences as fit into so many positions: a word is two tokens at most, as a rule. */
function exampleFor(positions: number): string {
  const sentences = kScenarios.filter((one) => one.language === "en").map(textOf);
  while (sentences.length > 1 && 2 * words(sentences) > positions) sentences.pop();
  return sentences.join(" ");
}

async function textIn(file: File): Promise<string> {
  const done = beginWork();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } finally {
    done();
  }
}

function ModelChoice() {
  return (
    <label class="long-model">
      {t("long_model")}{" "}
      <select id="long-model" value={longModel.value?.name ?? ""} onChange={(event) => chooseLongModel(event.currentTarget.value)}>
        {(models.value?.models ?? []).map(({ name, family, max_len }) => (
          <option key={name} value={name}>
            {t(family === "llama" ? "long_goes_on" : "long_fits", { name, max: max_len.toLocaleString(language.value) })}
          </option>
        ))}
      </select>
    </label>
  );
}

export function OpenText() {
  const text = useSignal("");
  const past = useSignal(false);
  const fault = useSignal<string | null>(null);
  const model = longModel.value;
  const bytes = new Blob([text.value]).size;
  const tooLarge = bytes > kMostBytes;
  const label = t(model?.tokenizer === null ? "long_ids" : "long_text");
  const sizes = { kilobytes: kilobytes(bytes), most: kilobytes(kMostBytes) };
  const read = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    if (!file) return;
    fault.value = null;
    if (file.size > kMostBytes) fault.value = t("long_too_large", { kilobytes: kilobytes(file.size), most: sizes.most });
    else await textIn(file).then((found) => (text.value = found), () => (fault.value = t("long_unread")));
    input.value = ""; // the same file, put right, can be opened again
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (text.value !== "" && !tooLarge) void openText(text.value, past.value);
  };
  return (
    <form class="long-open" onSubmit={submit}>
      <textarea
        id="long-text"
        rows={longTrace.value ? 3 : 8}
        spellcheck={false}
        aria-label={label}
        placeholder={t("long_placeholder")}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      <div class="long-open-line">
        <ModelChoice />
        <label class="file-label">
          {t("long_open_file")} <input id="long-file" type="file" accept=".txt,.md,text/*" onChange={(event) => void read(event.currentTarget)} />
        </label>
        {model && model.tokenizer !== null && text.value === "" && (
          <button id="long-example" class="quiet" type="button" onClick={() => (text.value = exampleFor(model.max_len))}>
            {t("long_example")}
          </button>
        )}
        {model?.family === "llama" && (
          <label class="long-past-choice">
            <input id="long-past" type="checkbox" checked={past.value} onChange={(event) => (past.value = event.currentTarget.checked)} />{" "}
            {t("long_past", { max: model.max_len.toLocaleString(language.value) })}
          </label>
        )}
        <span class="hint">{t("long_size", sizes)}</span>
        <button id="long-start" class="primary" type="submit" disabled={text.value === "" || tooLarge || !model} aria-busy={opening.value}>
          {t("long_start")}
        </button>
      </div>
      {(fault.value || tooLarge) && (
        <p class="notice" role="alert">
          {fault.value ?? t("long_too_large", sizes)}
        </p>
      )}
      {opening.value && (
        <p class="hint" role="status">
          {t("long_opening")}
        </p>
      )}
    </form>
  );
}

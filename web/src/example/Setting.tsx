// Whose example it is: the sentence, the word that looks, the words that are read, the number of heads.
import { useSignal, useSignalEffect } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { kMostSentence, wordsOf } from "../maths/example.ts";
import { canChangeHeads, canToggle, changeHeads, changeSentence, chooseQueryWord, example, toggleKey } from "./state.ts";

function SentenceForm() {
  const draft = useSignal(example.value.sentence);
  const refused = useSignal(false);
  useSignalEffect(() => {
    draft.value = example.value.sentence;
    refused.value = false;
  });
  return (
    <form
      class="ask-line"
      onSubmit={(event) => {
        event.preventDefault();
        refused.value = !changeSentence(draft.value);
      }}
    >
      <input
        id="hand-sentence"
        type="text"
        autocomplete="off"
        maxLength={kMostSentence}
        value={draft.value}
        aria-label={t("hand_sentence")}
        aria-invalid={refused.value}
        aria-describedby="hand-sentence-hint"
        onInput={(event) => (draft.value = event.currentTarget.value)}
      />
      <button type="submit">{t("hand_use")}</button>
      {refused.value && (
        <p class="setting-fault" role="alert">
          {t("hand_too_short")}
        </p>
      )}
    </form>
  );
}

/** Every word twice: may it be read, and is it the one that looks. */
function Words() {
  const { sentence, query, keys } = example.value;
  return (
    <table class="hand-words">
      <tbody>
        <tr>
          <th scope="row">{t("hand_reads")}</th>
          {wordsOf(sentence).map((word, index) => (
            <td key={index}>
              <button
                type="button"
                class="hand-word"
                data-key-word={index}
                aria-pressed={keys.includes(index)}
                disabled={!canToggle(index)}
                onClick={() => toggleKey(index)}
              >
                {word}
              </button>
            </td>
          ))}
        </tr>
        <tr>
          <th scope="row">{t("hand_looks")}</th>
          {wordsOf(sentence).map((word, index) => (
            <td key={index}>
              <input
                type="radio"
                name="hand-query"
                data-query-word={index}
                checked={index === query}
                aria-label={t("hand_looks_word", { word })}
                onChange={() => chooseQueryWord(index)}
              />
            </td>
          ))}
        </tr>
      </tbody>
    </table>
  );
}

function HeadCount() {
  const { heads } = example.value;
  return (
    <p class="head-count">
      <span>{t("hand_heads", { heads })}</span>
      <button type="button" id="fewer-heads" aria-label={t("hand_fewer")} disabled={!canChangeHeads(-1)} onClick={() => changeHeads(-1)}>
        −
      </button>
      <button type="button" id="more-heads" aria-label={t("hand_more")} disabled={!canChangeHeads(1)} onClick={() => changeHeads(1)}>
        +
      </button>
    </p>
  );
}

export function Setting() {
  return (
    <details class="hand-setting">
      <summary>{t("hand_setting")}</summary>
      <SentenceForm />
      <p class="hint" id="hand-sentence-hint">
        {t("hand_setting_hint")}
      </p>
      <div class="scroll">
        <Words />
      </div>
      <HeadCount />
    </details>
  );
}

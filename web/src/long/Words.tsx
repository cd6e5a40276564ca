// The text around the chosen query: a window of tokens, never all of them.
import { useSignal, useSignalEffect } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { focusWithin, moveIndex } from "../ui/roving.ts";
import { chooseLongQuery, longQuery, longTrace } from "./state.ts";
import { tokenAt, wantToken } from "./views.ts";

const kWords = 40;

export function Words() {
  const from = useSignal(0);
  const length = longTrace.value!.length;
  const query = longQuery.value;
  const last = Math.max(0, length - kWords);
  useSignalEffect(() => {
    const chosen = longQuery.value;
    if (chosen === null) return;
    const first = from.peek();
    if (chosen < first || chosen >= first + kWords) from.value = Math.min(last, Math.max(0, chosen - kWords / 2));
  });
  useSignalEffect(() => {
    if (longQuery.value === null) return;
    wantToken(from.value);
    wantToken(Math.min(length - 1, from.value + kWords));
  });
  if (query === null) return null;
  const first = Math.min(from.value, last);
  const indices = Array.from({ length: Math.min(kWords, length) }, (_, i) => first + i);
  const turn = (step: number) => (from.value = Math.min(last, Math.max(0, first + step)));
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const next = moveIndex(event.key, query - first, indices.length);
    if (next === null) return;
    event.preventDefault();
    chooseLongQuery(first + next);
    focusWithin(event.currentTarget, "[role=radio]", next);
  };
  return (
    <section class="long-words" aria-labelledby="long-words-title">
      <h2 id="long-words-title">{t("long_words", { query })}</h2>
      <div class="strip" role="radiogroup" aria-labelledby="long-words-title" onKeyDown={onKey}>
        {indices.map((index) => {
          const token = tokenAt(index);
          const stop = index === query || (index === first && (query < first || query >= first + kWords));
          return (
            <button
              key={index}
              type="button"
              role="radio"
              class={token?.joined ? "chip joined" : "chip"}
              data-word={index}
              aria-checked={index === query}
              aria-label={t("long_word", { token: index, word: token?.text ?? "" })}
              tabIndex={stop ? 0 : -1}
              onClick={() => chooseLongQuery(index)}
            >
              {token?.text ?? "…"}
            </button>
          );
        })}
      </div>
      <p>
        <button type="button" data-words="earlier" disabled={first === 0} onClick={() => turn(-kWords)}>
          {t("long_words_earlier")}
        </button>{" "}
        <button type="button" data-words="later" disabled={first >= last} onClick={() => turn(kWords)}>
          {t("long_words_later")}
        </button>
      </p>
    </section>
  );
}

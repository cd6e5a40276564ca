// Where every head looks from one word of a sentence, at one moment of a training: a row for each head, a
// column for each word. A table, so that it reads without its colours.
import { useSignal } from "@preact/signals";
import type { Snapshot } from "../api/types.ts";
import { rich, t } from "../i18n/index.ts";
import { rowOf, soughtIn } from "../maths/training.ts";
import { touchWork } from "../state/idle.ts";
import { theme } from "../state/preferences.ts";
import { headColour } from "../ui/colour.ts";

const kWritten = 0.1; // from this weight on its percent stands in the cell

interface RowProps {
  readonly weights: readonly number[];
  readonly layer: number;
  readonly head: number;
  readonly target: number | undefined;
}

function HeadRow({ weights, layer, head, target }: RowProps) {
  return (
    <tr style={{ "--head": headColour(head, theme.value) }}>
      <th scope="row">
        <span class="live-dot" aria-hidden="true" />
        {layer}.{head}
      </th>
      {weights.map((weight, i) => (
        <td
          key={i}
          class={i === target ? "sought" : undefined}
          data-weight={weight.toFixed(4)}
          style={{ "--light": Math.sqrt(weight) }}
        >
          {weight >= kWritten ? Math.round(100 * weight) : <span class="hidden-text">{Math.round(100 * weight)}</span>}
        </td>
      ))}
    </tr>
  );
}

export function SentenceRows({ snapshot, heads }: { readonly snapshot: Snapshot; readonly heads: number }) {
  const chosen = useSignal(0);
  const query = useSignal<number | null>(null);
  const at = Math.min(chosen.value, snapshot.sentences.length - 1);
  const sentence = snapshot.sentences[at];
  if (!sentence) return null;
  const sought = soughtIn(sentence);
  const from = query.value ?? sought?.query ?? 1;
  const target = from === sought?.query ? sought.target : undefined;
  const word = (index: number) => <b>{sentence.tokens[index]}</b>;
  const set = (change: () => void) => {
    touchWork();
    change();
  };
  const count = snapshot.relations[0]!.heads.length;
  return (
    <div class="live-sentence">
      <label>
        {t("live_sentence")}{" "}
        <select
          id="live-sentence"
          value={at}
          onChange={(event) => {
            const next = Number(event.currentTarget.value);
            set(() => ([chosen.value, query.value] = [next, null]));
          }}
        >
          {snapshot.sentences.map((one, i) => (
            <option key={one.text} value={i}>
              {one.text}
            </option>
          ))}
        </select>
      </label>
      <p class="hint">{target === undefined ? rich("live_from", { word: word(from) }) : rich("live_sought", { word: word(from), target: word(target) })}</p>
      <div class="live-scroll">
        <table class="live-rows" data-query={from} style={{ "--columns": sentence.tokens.length }}>
          <caption class="hidden-text">{t("live_rows_caption", { step: snapshot.step, word: sentence.tokens[from]! })}</caption>
          <thead>
            <tr>
              <th scope="col">{t("live_head")}</th>
              {sentence.tokens.map((token, i) => (
                <th key={i} scope="col" class={i === target ? "sought" : undefined}>
                  <button type="button" aria-pressed={i === from} title={t("live_look_from", { word: token })} onClick={() => set(() => (query.value = i))}>
                    {token}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: count }, (_, head) => (
              <HeadRow key={head} weights={rowOf(sentence, head, from)} layer={Math.floor(head / heads)} head={head % heads} target={target} />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

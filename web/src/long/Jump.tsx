// To a query by its number, or by what stands there.
import { useSignal } from "@preact/signals";
import { fetchFound } from "../api/long.ts";
import { t } from "../i18n/index.ts";
import { around } from "../maths/long_map.ts";
import { area, chooseLongQuery, failed, longQuery, longTrace, show } from "./state.ts";

/** Chooses the query and brings its row, and what stands before it, onto the map. */
function goTo(query: number): void {
  const { row, span } = area.value;
  chooseLongQuery(query);
  if (query < row || query >= row + span) show(around(query, query, span, longTrace.value!.length));
}

export function Jump() {
  const number = useSignal("");
  const text = useSignal("");
  const missing = useSignal<string | null>(null);
  const length = longTrace.value!.length;
  const jump = (event: Event) => {
    event.preventDefault();
    const query = Number(number.value);
    if (number.value !== "" && Number.isInteger(query) && query >= 0 && query < length) goTo(query);
  };
  const search = async (event: Event) => {
    event.preventDefault();
    const [current, wanted] = [longTrace.value!, text.value];
    if (wanted === "") return;
    try {
      const from = longQuery.value === null ? 0 : (longQuery.value + 1) % length;
      const { token } = await fetchFound(current.id, wanted, from);
      missing.value = token === null ? wanted : null;
      if (token !== null && longTrace.value?.id === current.id) goTo(token);
    } catch (error) {
      failed(error, current.id);
    }
  };
  return (
    <section class="long-jump">
      <form onSubmit={jump}>
        <label for="long-jump">{t("long_jump")}</label>
        <input
          id="long-jump"
          type="number"
          min={0}
          max={length - 1}
          value={number.value}
          aria-label={t("long_jump_label", { last: length - 1 })}
          onInput={(event) => (number.value = event.currentTarget.value)}
        />
        <button type="submit">{t("long_go")}</button>
      </form>
      <form onSubmit={(event) => void search(event)}>
        <label for="long-search">{t("long_search")}</label>
        <input id="long-search" type="text" maxLength={60} value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
        <button type="submit">{t("long_next")}</button>
      </form>
      <p class="hint" role="status">
        {missing.value !== null && t("long_not_found", { text: missing.value })}
      </p>
    </section>
  );
}

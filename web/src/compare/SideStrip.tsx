// The tokens of one side: one of them looks. Those without a partner on the other side are marked.
import { t } from "../i18n/index.ts";
import { navigate } from "../state/address.ts";
import { chooseQuery, chosenQuery, tokens } from "../state/session.ts";
import type { Side } from "../ui/diverging.ts";
import { focusWithin, moveIndex } from "../ui/roving.ts";
import { alignment, queryB, tokensB, traceB } from "./state.ts";

/** Choosing on side A moves B's token along to the partner. */
function choose(side: Side, index: number): void {
  if (side === "b") navigate({ query2: index }, "replace");
  else {
    chooseQuery(index);
    navigate({ query2: null }, "replace");
  }
}

export function SideStrip({ side }: { readonly side: Side }) {
  const shown = side === "a" ? tokens.value : tokensB.value;
  const at = side === "a" ? chosenQuery.value : queryB.value;
  const { columns } = alignment.value;
  const paired = new Set(columns.flatMap(({ a, b }) => (a === null || b === null ? [] : [side === "a" ? a : b])));
  const alone = traceB.value === null ? [] : shown.filter((token) => !paired.has(token.index));
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const next = moveIndex(event.key, at, shown.length);
    if (next === null) return;
    event.preventDefault();
    choose(side, next);
    focusWithin(event.currentTarget, "[role=radio]", next);
  };
  return (
    <>
      <div class="strip" role="radiogroup" aria-label={t("compare_strip", { side: side.toUpperCase() })} onKeyDown={onKey}>
        {shown.map((token) => (
          <button
            key={token.index}
            type="button"
            role="radio"
            class={["chip", token.special && "special", token.joined && "joined", alone.includes(token) && "alone"].filter(Boolean).join(" ")}
            data-token={token.index}
            aria-checked={token.index === at}
            tabIndex={token.index === at ? 0 : -1}
            title={t("token_title", { index: token.index, piece: token.piece, id: token.id })}
            onClick={() => choose(side, token.index)}
          >
            {token.text}
          </button>
        ))}
      </div>
      {alone.length > 0 && (
        <p class="hint alone-note" data-alone={alone.map((token) => token.index).join(",")}>
          {t(alone.length === 1 ? "compare_alone_one" : "compare_alone", { words: alone.slice(0, 12).map((token) => token.text).join(" · "), count: alone.length })}
        </p>
      )}
    </>
  );
}

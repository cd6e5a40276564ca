// The cards of the heads on show. Where key/value heads are shared, the cards that share one stand under its name.
import type { HeadRow } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { cards } from "../state/cards.ts";
import { drawn, trace } from "../state/session.ts";
import { HeadCard } from "./HeadCard.tsx";

interface Shown {
  readonly layer: number;
  readonly head: HeadRow;
}

/** What has rows to show. */
function shownHeads(): Shown[] {
  const layers = drawn.value?.layers;
  return (cards.value ?? []).flatMap(({ layer, head }) => {
    const row = layers?.get(layer)?.heads[head];
    return row ? [{ layer, head: row }] : [];
  });
}

function Cards({ shown }: { readonly shown: readonly Shown[] }) {
  return (
    <div class="cards">
      {shown.map(({ layer, head }) => (
        <HeadCard key={`${layer}.${head.head}`} layer={layer} head={head} />
      ))}
    </div>
  );
}

function groupsByKvHead(shown: readonly Shown[]): Shown[][] {
  const groups = new Map<string, Shown[]>();
  for (const one of shown) {
    const key = `${one.layer}.${one.head.kv_head}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

function GroupedCards({ shown, open }: { readonly shown: readonly Shown[]; readonly open: number }) {
  return (
    <div class="kv-groups">
      {groupsByKvHead(shown).map((group) => {
        const [layer, kv] = [group[0]!.layer, group[0]!.head.kv_head];
        const name = layer === open ? t("kv_label", { kv }) : t("kv_label_of", { layer, kv });
        return (
          <section key={`${layer}.${kv}`} class="kv-group" style={{ "--group": group.length }} aria-label={name}>
            <p class="kv-name">{name}</p>
            <Cards shown={group} />
          </section>
        );
      })}
    </div>
  );
}

export function HeadCards() {
  const [open, model] = [drawn.value?.rows.layer, trace.value?.model];
  if (open === undefined || !model) return <div class="cards waiting" aria-busy="true" />;
  const shown = shownHeads();
  return model.n_kv_heads < model.n_heads ? <GroupedCards shown={shown} open={open} /> : <Cards shown={shown} />;
}

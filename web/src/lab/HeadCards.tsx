// All heads of the layer. Where key/value heads are shared, the cards that share one stand under its name.
import type { HeadRow, Rows } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { rows, trace } from "../state/session.ts";
import { HeadCard } from "./HeadCard.tsx";

function groupsByKvHead(heads: readonly HeadRow[]): [number, HeadRow[]][] {
  const groups = new Map<number, HeadRow[]>();
  for (const head of heads) groups.set(head.kv_head, [...(groups.get(head.kv_head) ?? []), head]);
  return [...groups];
}

function GroupedCards({ current }: { readonly current: Rows }) {
  return (
    <div class="kv-groups">
      {groupsByKvHead(current.heads).map(([kvHead, heads]) => (
        <section key={kvHead} class="kv-group" style={{ "--group": heads.length }} aria-label={t("kv_label", { kv: kvHead })}>
          <p class="kv-name">{t("kv_label", { kv: kvHead })}</p>
          <div class="cards">
            {heads.map((head) => (
              <HeadCard key={head.head} layer={current.layer} head={head} />
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}

export function HeadCards() {
  const current = rows.value;
  const model = trace.value?.model;
  if (!current || !model) return <div class="cards waiting" aria-busy="true" />;
  if (model.n_kv_heads < model.n_heads) return <GroupedCards current={current} />;
  return (
    <div class="cards">
      {current.heads.map((head) => (
        <HeadCard key={head.head} layer={current.layer} head={head} />
      ))}
    </div>
  );
}

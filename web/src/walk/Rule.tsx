// The decision rule in pieces, to be put in order.
import { t } from "../i18n/index.ts";
import { reorder, ruleOrder } from "./state.ts";
import { isInOrder, kRule, moved } from "./steps.ts";

export function Rule() {
  const parts = ruleOrder.value;
  const right = isInOrder(parts);
  const move = (index: number, by: 1 | -1) => reorder(moved(parts, index, by));
  return (
    <div class="rule" data-rule={right}>
      <ol>
        {parts.map((part, index) => (
          <li key={part} data-part={part} class={part === kRule[index] ? "in-place" : ""}>
            <span class="rule-text">{t(`rule_${part}`)}</span>
            <button type="button" aria-label={t("rule_up", { part: t(`rule_${part}`) })} disabled={index === 0} onClick={() => move(index, -1)}>
              ↑
            </button>
            <button
              type="button"
              aria-label={t("rule_down", { part: t(`rule_${part}`) })}
              disabled={index === parts.length - 1}
              onClick={() => move(index, 1)}
            >
              ↓
            </button>
          </li>
        ))}
      </ol>
      <p class={right ? "verdict right" : "verdict"} role="status">
        {t(right ? "rule_right" : "rule_open")}
      </p>
    </div>
  );
}

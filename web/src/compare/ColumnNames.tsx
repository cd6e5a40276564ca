// The tokens above the columns, on a slant so that twenty of them fit.
import { t } from "../i18n/index.ts";
import type { Column } from "../maths/align.ts";
import { chosenQuery, tokens } from "../state/session.ts";
import { queryB, tokensB } from "./state.ts";

/** The token as side A has it; where both have it and write it differently, both. */
export function nameOf({ a, b }: Column): string {
  const [left, right] = [a === null ? null : tokens.value[a]?.text, b === null ? null : tokensB.value[b]?.text];
  if (left === null || left === undefined) return right ?? "";
  return right === null || right === undefined || right === left ? left : `${left} / ${right}`;
}

const kMostLetters = 14;
const kHeight = 84;

const short = (text: string) => (text.length > kMostLetters ? `${text.slice(0, kMostLetters - 1)}…` : text);

/** Which side alone has the token. */
const alone = ({ a, b }: Column): "a" | "b" | "" => (b === null ? "a" : a === null ? "b" : "");

export function ColumnNames({ columns, hidden }: { readonly columns: readonly Column[]; readonly hidden: number }) {
  return (
    <thead>
      <tr>
        <th scope="col">
          <span class="hidden-text">{t("column_head")}</span>
        </th>
        {columns.map((column) => {
          const side = alone(column);
          const looks = column.a === chosenQuery.value || column.b === queryB.value;
          return (
            <th key={`${column.a} ${column.b}`} scope="col" class={looks ? "is-query" : ""} data-alone={side || undefined} data-column={`${column.a ?? "-"}.${column.b ?? "-"}`}>
              <svg class="column-name" width="20" height={kHeight} aria-hidden="true">
                <text class={`column-word ${side && `only-${side}`}`} transform={`translate(13 ${kHeight - 4}) rotate(-62)`}>
                  {side && <tspan class="only-letter">{side.toUpperCase()} </tspan>}
                  {short(nameOf(column))}
                </text>
              </svg>
              <span class="hidden-text">
                {nameOf(column)} {side && t("compare_only", { side: side.toUpperCase() })}
              </span>
            </th>
          );
        })}
        {hidden > 0 && (
          <th scope="col" class="pair-rest">
            {t("blend_rest", { count: hidden })}
          </th>
        )}
      </tr>
    </thead>
  );
}

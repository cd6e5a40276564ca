// One sum, term by term: the products to be added, what each is, and the total.
import { Fragment } from "preact";
import type { Sum } from "../maths/example.ts";
import { printed } from "./Exact.tsx";

interface SumLineProps {
  readonly name: string;
  readonly sum: Sum;
}

export function SumLine({ name, sum }: SumLineProps) {
  return (
    <div class="sum">
      <dt>{name}</dt>
      <dd>
        <span class="terms">
          {sum.terms.map((term, i) => (
            <Fragment key={i}>
              {i > 0 && " + "}
              <span class={term.product.isZero ? "term nothing" : "term"}>
                <span class="factor">{printed(term.factor)}</span>
                {" × "}
                {printed(term.value)}
              </span>
            </Fragment>
          ))}
        </span>
        <span class="terms products">
          {"= "}
          {sum.terms.map((term, i) => (
            <Fragment key={i}>
              {i > 0 && " + "}
              <span class={term.product.isZero ? "term nothing" : "term"}>{printed(term.product)}</span>
            </Fragment>
          ))}
        </span>
        <span class="total" data-total={name} data-value={String(sum.total)}>
          {"= "}
          <b>{printed(sum.total)}</b>
        </span>
      </dd>
    </div>
  );
}

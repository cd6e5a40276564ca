// Every head's own vector z_h W_O^h: how long it is, which way it points, what share of the sum it is.
import { useSignal } from "@preact/signals";
import type { Added, Concat } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { barsPath, fixed, largest } from "../../maths/vectors.ts";
import { ablation, gateOf, gates } from "../../state/concat.ts";
import { theme } from "../../state/preferences.ts";
import { headColour } from "../../ui/colour.ts";
import { ProjectionBlock } from "./ProjectionBlock.tsx";

/** An arrow from the middle: to the right along the sum, to the left against it. */
function Direction({ cosine }: { readonly cosine: number }) {
  const turn = (-180 * Math.acos(Math.min(1, Math.max(-1, cosine)))) / Math.PI;
  return (
    <svg class="direction" viewBox="-11 -11 22 22" width="26" height="26" aria-hidden="true">
      <line class="direction-sum" x1="0" x2="10" y1="0" y2="0" />
      <g transform={`rotate(${turn.toFixed(1)})`}>
        <path class="direction-head" d="M0 0H9M9 0l-4-3M9 0l-4 3" />
      </g>
    </svg>
  );
}

function Bars({ values, most }: { readonly values: readonly number[]; readonly most: number }) {
  return (
    <svg class="added-bars" viewBox={`0 0 ${values.length} 2`} preserveAspectRatio="none" aria-hidden="true">
      <line class="zero-line" x1="0" x2={values.length} y1="1" y2="1" />
      <path class="bars" d={barsPath(values, most)} />
    </svg>
  );
}

function Numbers({ added, longest }: { readonly added: Added; readonly longest: number }) {
  return (
    <>
      <td class="norm" data-value={added.norm}>
        <span class="norm-bar" style={{ width: `${(100 * added.norm) / longest}%` }} />
        <span class="norm-number">{fixed(added.norm, 2)}</span>
      </td>
      <td class="cosine" data-value={added.cosine}>
        <span class="cosine-cell">
          <Direction cosine={added.cosine} />
          {fixed(added.cosine, 3)}
        </span>
      </td>
      <td class="share" data-value={added.share}>
        {fixed(100 * added.share, 1)} %
      </td>
    </>
  );
}

/** The sum as the intact run has it. */
function Final({ current, most, longest }: { readonly current: Concat; readonly most: number; readonly longest: number }) {
  const block = ablation.value?.block;
  const changed = block?.layer === current.layer && gates.value.size > 0;
  return (
    <tr class="final-row" data-final>
      <th scope="row">{t(changed ? "final_before" : "final_vector")}</th>
      <td>
        <Bars values={current.out} most={most} />
      </td>
      <Numbers added={{ norm: current.norm, cosine: 1, share: 1 }} longest={longest} />
      <td />
    </tr>
  );
}

/** The sum with the heads changed; its share is its length along the intact one. */
function Changed({ current, most, longest }: { readonly current: Concat; readonly most: number; readonly longest: number }) {
  const block = ablation.value?.block;
  if (!block || block.layer !== current.layer || gates.value.size === 0) return null;
  const { cosine, norm_after } = block.change;
  const share = (cosine * norm_after) / (current.norm || 1);
  return (
    <tr class="final-row after" data-final-after>
      <th scope="row">{t("final_after")}</th>
      <td>
        <Bars values={block.out} most={most} />
      </td>
      <Numbers added={{ norm: norm_after, cosine, share }} longest={longest} />
      <td />
    </tr>
  );
}

export function AddedVectors({ current }: { readonly current: Concat }) {
  const open = useSignal<number | null>(null);
  const most = largest(current.heads.map((head) => head.head_out));
  const mostOut = largest([current.out]); // the sum has a scale of its own
  const longest = Math.max(current.norm, ...current.heads.map((head) => head.norm), current.b_o?.norm ?? 0) || 1;
  return (
    <div class="concat-block">
      <h3>{t("added_step")}</h3>
      <p class="hint">{t("added_hint")}</p>
      <div class="scroll">
        <table class="added">
          <thead>
            <tr>
              <th scope="col">{t("column_head")}</th>
              <th scope="col">{t("column_vector", { width: current.out.length })}</th>
              <th scope="col">{t("column_norm")}</th>
              <th scope="col">{t("column_cosine")}</th>
              <th scope="col">{t("column_share")}</th>
              <th scope="col">
                <span class="hidden-text">{t("column_block")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {current.heads.map((head) => {
              const gate = gateOf(current.layer, head.head);
              const shown = open.value === head.head;
              return (
                <tr
                  key={head.head}
                  class={gate < 1 ? "off" : ""}
                  data-added={head.head}
                  style={{ "--head": headColour(head.head, theme.value), "--gate": gate }}
                >
                  <th scope="row">
                    <span class="swatch" aria-hidden="true" /> {t("head_name", { head: head.head })}
                    {gate < 1 && <span class="gate-note"> {gate === 0 ? t("is_off") : `× ${gate}`}</span>}
                  </th>
                  <td>
                    <Bars values={head.head_out} most={most} />
                  </td>
                  <Numbers added={head} longest={longest} />
                  <td>
                    <button
                      type="button"
                      class="quiet block-button"
                      aria-expanded={shown}
                      aria-controls="projection-block"
                      aria-label={t("show_block_of", { head: head.head })}
                      onClick={() => (open.value = shown ? null : head.head)}
                    >
                      W<sub>O</sub>
                    </button>
                  </td>
                </tr>
              );
            })}
            {current.b_o && (
              <tr data-added="bias">
                <th scope="row">b_O</th>
                <td>
                  <Bars values={current.b_o.vector} most={most} />
                </td>
                <Numbers added={current.b_o} longest={longest} />
                <td />
              </tr>
            )}
            <Final current={current} most={mostOut} longest={longest} />
            <Changed current={current} most={mostOut} longest={longest} />
          </tbody>
        </table>
      </div>
      <div id="projection-block">{open.value !== null && <ProjectionBlock head={open.value} />}</div>
    </div>
  );
}

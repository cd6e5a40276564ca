// Parameters, operations and cache as counted here, and the time as the engine measures it now.
import { ApiError } from "../api/client.ts";
import type { TimedCall } from "../api/types.ts";
import { t } from "../i18n/index.ts";
import { kMostTimedFlops, type Dimensions, type Layer } from "../maths/dimensions.ts";
import { bytes, compact, duration } from "../maths/units.ts";
import { language } from "../state/preferences.ts";
import { layerTime, tooLarge } from "./state.ts";

const kStorage = [
  { dtype: "f32", width: 4 },
  { dtype: "bf16", width: 2 },
] as const;

function Line({ name, value, text }: { readonly name: string; readonly value: number; readonly text: string }) {
  return (
    <tr data-cost={name} data-value={value}>
      <th scope="row">{t(`dims_${name}` as "dims_parameters")}</th>
      <td title={value.toLocaleString(language.value)}>{text}</td>
    </tr>
  );
}

function Time({ name, call }: { readonly name: "time_whole" | "time_next"; readonly call: TimedCall }) {
  return (
    <tr data-cost={name} data-value={call.seconds}>
      <th scope="row">{t(`dims_${name}`)}</th>
      <td>
        {duration(call.seconds)}
        <span class="hint"> {t("dims_rate", { rate: compact(call.flops / call.seconds, language.value), runs: call.runs })}</span>
      </td>
    </tr>
  );
}

function Times({ d }: { readonly d: Dimensions }) {
  const told = layerTime.value;
  if (tooLarge(d)) {
    return (
      <tr data-too-large>
        <td colSpan={2}>{t("dims_too_large", { most: compact(kMostTimedFlops, language.value) })}</td>
      </tr>
    );
  }
  if (told === null) {
    return (
      <tr>
        <td colSpan={2}>{t("dims_measuring")}</td>
      </tr>
    );
  }
  if (told instanceof ApiError) {
    return (
      <tr data-refused>
        <td colSpan={2}>{told.status === 0 ? t("error_offline") : told.message.replace(/^\[[^\]]*\]\s*/, "")}</td>
      </tr>
    );
  }
  return (
    <>
      <Time name="time_whole" call={told.whole} />
      <Time name="time_next" call={told.next} />
    </>
  );
}

export function Costs({ d, layer }: { readonly d: Dimensions; readonly layer: Layer }) {
  const told = layerTime.value;
  const count = (value: number) => compact(value, language.value);
  const patternBytes = 4 * d.n_heads * d.length ** 2;
  return (
    <section class="step">
      <h2>{t("dims_costs")}</h2>
      <p class="hint">{t("dims_costs_hint")}</p>
      <table class="loss-table dims-costs" aria-busy={told === null && !tooLarge(d)}>
        <caption class="hidden-text">{t("dims_costs")}</caption>
        <tbody>
          <Line name="parameters" value={layer.parameters} text={count(layer.parameters)} />
          <Line name="flops_whole" value={layer.flops.whole} text={count(layer.flops.whole)} />
          <Line name="flops_next" value={layer.flops.next} text={count(layer.flops.next)} />
          <Line
            name="cache"
            value={layer.cacheNumbers}
            text={kStorage.map(({ dtype, width }) => `${bytes(width * layer.cacheNumbers, language.value)} ${dtype}`).join(" · ")}
          />
          <Line name="pattern" value={patternBytes} text={`${bytes(patternBytes, language.value)} f32`} />
          <Times d={d} />
        </tbody>
      </table>
      {told !== null && !(told instanceof ApiError) && (
        <p class="hint" data-attention>
          {t("dims_ran", { whole: told.whole.attention, next: told.next.attention, threads: told.threads })}
        </p>
      )}
    </section>
  );
}

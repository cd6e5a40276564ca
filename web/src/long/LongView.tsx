// Texts of up to 131 072 tokens: a head's pattern as a map that is computed where it is looked at.
import { t } from "../i18n/index.ts";
import { language } from "../state/preferences.ts";
import { Notice } from "../ui/Notice.tsx";
import { Heads } from "./Heads.tsx";
import { Jump } from "./Jump.tsx";
import { MapPanel } from "./MapPanel.tsx";
import { OpenText } from "./OpenText.tsx";
import { Recording } from "./Recording.tsx";
import { isRecorded, kMostTokens, longModel, longProblem, longTrace } from "./state.ts";
import { Targets } from "./Targets.tsx";
import { Words } from "./Words.tsx";

function Facts() {
  const { model, length, text_bytes, layers_recorded, past_max_len, bytes } = longTrace.value!;
  const number = (value: number) => value.toLocaleString(language.value);
  return (
    <>
      <p class="facts" data-long-length={length}>
        {t("long_facts", {
          length: number(length),
          kilobytes: number(Math.ceil(text_bytes / 1000)),
          recorded: layers_recorded,
          layers: model.n_layers,
          megabytes: number(Math.ceil(bytes / 1e6)),
        })}
      </p>
      {past_max_len && (
        <p class="notice long-past" role="note">
          {t("long_past_warning", { max: number(model.max_len), length: number(length) })}
        </p>
      )}
    </>
  );
}

export function LongView() {
  return (
    <div class="long">
      <section class="example-lead">
        <h1>{t("long_title")}</h1>
        <p class="lead">{t("long_lead", { most: kMostTokens.toLocaleString(language.value) })}</p>
      </section>
      <OpenText />
      {longProblem.value === "gone" && (
        <p class="notice" role="alert">
          {t("long_gone")}
        </p>
      )}
      {longProblem.value === "past" && (
        <p class="notice" role="alert">
          {t("long_past_needed", { max: (longModel.value?.max_len ?? 0).toLocaleString(language.value) })}
        </p>
      )}
      {longProblem.value && typeof longProblem.value !== "string" && <Notice problem={longProblem.value} />}
      {longTrace.value && (
        <>
          <Facts />
          <Recording />
          {isRecorded.value && (
            <div class="long-bench">
              <Heads />
              <MapPanel />
              <div class="long-side">
                <Jump />
                <Targets />
                <Words />
              </div>
            </div>
          )}
        </>
      )}
    </div>
  );
}

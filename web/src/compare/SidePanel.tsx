// What one side reads: its model, its text, its tokens, and for B the heads that are switched off.
import { useSignal, useSignalEffect } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { snapshot } from "../api/snapshot.ts";
import { t } from "../i18n/index.ts";
import { embedded, theme } from "../state/preferences.ts";
import { chooseModelA, model, models, text } from "../state/session.ts";
import { sideColour, type Side } from "../ui/diverging.ts";
import { HeadsOff } from "./HeadsOff.tsx";
import { SideStrip } from "./SideStrip.tsx";
import { chooseModelB, chooseTextA, chooseTextB, gatesB, modelB, textB } from "./state.ts";

const kParts = {
  a: { model, text, chooseModel: chooseModelA, chooseText: chooseTextA },
  b: { model: modelB, text: textB, chooseModel: chooseModelB, chooseText: chooseTextB },
} as const;

function TextOf({ side, of, choose }: { readonly side: Side; readonly of: ReadonlySignal<string>; readonly choose: (next: string) => void }) {
  // The draft follows the address until something is typed, and the address follows it on Enter.
  const draft = useSignal(of.value);
  useSignalEffect(() => {
    draft.value = of.value;
  });
  const label = t(kParts[side].model.value?.tokenizer === null ? "compare_ids" : "compare_text", { side: side.toUpperCase() });
  return (
    <form
      class="side-text"
      onSubmit={(event) => {
        event.preventDefault();
        choose(draft.value);
      }}
    >
      <input
        id={`text-${side}`}
        type="text"
        autocomplete="off"
        spellcheck={false}
        value={draft.value}
        aria-label={label}
        placeholder={label}
        onInput={(event) => (draft.value = event.currentTarget.value)}
      />
      <button type="submit">{t("compare_use")}</button>
    </form>
  );
}

function Settings({ side }: { readonly side: Side }) {
  const part = kParts[side];
  return (
    <>
      <label class="side-model">
        <span class="picker-label">{t("model_picker")}</span>
        <select id={`model-${side}`} value={part.model.value?.name ?? ""} onChange={(event) => part.chooseModel(event.currentTarget.value)}>
          {(models.value?.models ?? []).map((one) => (
            <option key={one.name} value={one.name}>
              {one.name} · {one.n_layers} × {one.n_heads}
            </option>
          ))}
        </select>
      </label>
      <TextOf side={side} of={part.text} choose={part.chooseText} />
      {side === "b" && <HeadsOff />}
    </>
  );
}

/** In a file nothing can be set: what was is said. */
function RecordedSide({ side }: { readonly side: Side }) {
  const { model: of, text: said } = kParts[side];
  const gates = side === "b" ? [...gatesB.value].map(([key, gate]) => (gate === 0 ? key : `${key} × ${gate}`)) : [];
  return (
    <p class="recorded">
      {of.value?.name}: {said.value}
      {gates.length > 0 && <b> {t("heads_changed", { heads: gates.join(", ") })}</b>}
    </p>
  );
}

export function SidePanel({ side }: { readonly side: Side }) {
  return (
    <section class="side" data-side={side} aria-labelledby={`side-${side}`} style={{ "--side": sideColour(side, theme.value) }}>
      <h2 id={`side-${side}`} class="side-name">
        <span class="side-letter">{side.toUpperCase()}</span> {t(side === "a" ? "compare_a" : "compare_b")}
      </h2>
      {snapshot ? <RecordedSide side={side} /> : !embedded.value && <Settings side={side} />}
      <SideStrip side={side} />
    </section>
  );
}

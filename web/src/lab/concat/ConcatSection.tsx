// Concat + W_O at the query token: the heads side by side, what each adds, and what is lost without some.
import { rich, t } from "../../i18n/index.ts";
import { concat, gates } from "../../state/concat.ts";
import { chosenQuery, layer, tokens } from "../../state/session.ts";
import { AddedVectors } from "./AddedVectors.tsx";
import { HeadParts } from "./HeadParts.tsx";
import { Loss } from "./Loss.tsx";
import { Switches } from "./Switches.tsx";

export function ConcatSection() {
  const current = concat.value;
  const word = tokens.value[chosenQuery.value]?.text ?? "";
  return (
    <section class="concat" aria-labelledby="concat-title">
      <h2 id="concat-title">{t("concat_title", { layer: layer.value })}</h2>
      <p class="hint">{rich("concat_lead", { word: <b class="lit-word">{word}</b> })}</p>
      <Switches />
      {current && (
        <>
          <HeadParts current={current} />
          <AddedVectors current={current} />
          {gates.value.size > 0 && <Loss />}
        </>
      )}
    </section>
  );
}

// The programs for the layer, to take away.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import type { Dimensions } from "../maths/dimensions.ts";
import { cppCode, torchCode } from "../maths/layer_code.ts";

function Program({ name, code }: { readonly name: string; readonly code: string }) {
  const copied = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code);
      copied.value = code;
    } catch {
      copied.value = ""; // not allowed here: the text can still be selected
    }
  };
  return (
    <article class="program" data-program={name}>
      <header class="card-top">
        <h3>{name}</h3>
        <button type="button" class="quiet" onClick={() => void copy()}>
          {t(copied.value === code ? "copied" : "copy")}
        </button>
      </header>
      <pre tabIndex={0} aria-label={name}>
        <code>{code}</code>
      </pre>
    </article>
  );
}

export function LayerCode({ d }: { readonly d: Dimensions }) {
  return (
    <section class="step">
      <h2>{t("dims_code")}</h2>
      <div class="programs">
        <Program name="C++" code={cppCode(d)} />
        <Program name="PyTorch" code={torchCode(d)} />
      </div>
    </section>
  );
}

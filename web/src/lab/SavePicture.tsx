// A small menu at a picture: save it as SVG or as PNG, as it looks now.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { drawnQuery, layer, text, tokens, trace } from "../state/session.ts";
import { download } from "../ui/download.ts";
import { asPng, takePicture } from "../ui/picture.ts";
import { beginWork } from "../state/idle.ts";
import { fileName } from "./Share.tsx";

/** Where a picture is from, written under it. */
function caption(): string {
  const word = tokens.value[drawnQuery.value]?.text ?? "";
  const sentence = text.value.length > 80 ? `${text.value.slice(0, 79)}…` : text.value;
  return t("picture_caption", { model: trace.value?.model.name ?? "", layer: layer.value, word, text: sentence });
}

async function save(picture: Element, name: string, kind: "svg" | "png", more: string): Promise<void> {
  const done = beginWork();
  try {
    const taken = takePicture(picture, caption() + more);
    const file = `${fileName()}-${name}.${kind}`;
    if (kind === "svg") download(file, "image/svg+xml", taken.svg);
    else download(file, "image/png", await asPng(taken));
  } finally {
    done();
  }
}

interface SavePictureProps {
  /** The selector of the picture that the menu stands in. */
  readonly of: string;
  readonly name: string;
  /** What else the line under the picture says. */
  readonly more?: string;
}

export function SavePicture({ of, name, more = "" }: SavePictureProps) {
  const open = useSignal(false);
  const choose = async (event: Event, kind: "svg" | "png") => {
    const picture = (event.currentTarget as Element).closest(of);
    open.value = false;
    if (picture) await save(picture, name, kind, more);
  };
  return (
    <details
      class="save-picture"
      data-no-picture
      open={open.value}
      onToggle={(event) => (open.value = event.currentTarget.open)}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open.value) return;
        event.stopPropagation();
        open.value = false;
        event.currentTarget.querySelector("summary")?.focus();
      }}
    >
      <summary aria-label={t("picture_save")} title={t("picture_save")}>
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <path d="M8 2v7.5M4.8 6.6 8 9.8l3.2-3.2M2.5 11v2.5h11V11" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" />
        </svg>
      </summary>
      {open.value && (
        <span class="save-menu">
          <button type="button" data-save="svg" onClick={(event) => void choose(event, "svg")}>
            {t("picture_svg")}
          </button>
          <button type="button" data-save="png" onClick={(event) => void choose(event, "png")}>
            {t("picture_png")}
          </button>
        </span>
      )}
    </details>
  );
}

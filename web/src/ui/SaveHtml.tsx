// Saves what is on the page as one file of HTML, and says how large it became.
import { useSignal } from "@preact/signals";
import { t } from "../i18n/index.ts";
import { beginWork } from "../state/idle.ts";
import { download } from "./download.ts";

/** Hands the file to the reader; its size in bytes. */
export async function saveFile(name: string, coming: Promise<string>): Promise<number> {
  const file = new Blob([await coming], { type: "text/html" });
  download(name, "text/html", file);
  return file.size;
}

interface SaveHtmlProps {
  readonly label: string;
  readonly save: () => Promise<number>;
}

export function SaveHtml({ label, save }: SaveHtmlProps) {
  const told = useSignal<"making" | "failed" | number | null>(null);
  const run = async () => {
    const done = beginWork();
    told.value = "making";
    told.value = await save().catch(() => "failed" as const);
    done();
  };
  return (
    <>
      <button id="share-html" type="button" class="primary" disabled={told.value === "making"} onClick={() => void run()}>
        {label}
      </button>
      <span role="status" class={told.value === "failed" ? "setting-fault" : "hint"} data-saved={typeof told.value === "number" ? told.value : undefined}>
        {told.value === "making" && t("share_making")}
        {told.value === "failed" && t("share_failed")}
        {typeof told.value === "number" && t("share_saved", { size: (told.value / 1e6).toFixed(1) })}
      </span>
    </>
  );
}

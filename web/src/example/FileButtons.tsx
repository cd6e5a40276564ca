// The example as a JSON file, out and in.
import { useSignal } from "@preact/signals";
import type { Key } from "../i18n/en.ts";
import { t } from "../i18n/index.ts";
import { exportExample, FileFault, importExample, kMostBytes } from "../maths/example_file.ts";
import { beginWork } from "../state/idle.ts";
import { download } from "../ui/download.ts";
import { example, loadExample } from "./state.ts";

const kFaults: Readonly<Record<FileFault["kind"], Key>> = {
  too_large: "file_too_large",
  not_json: "file_not_json",
  not_ours: "file_not_ours",
  version: "file_version",
  field: "file_field",
  unknown: "file_unknown",
  setting: "file_setting",
  extents: "file_extents",
  number: "file_number",
};

async function read(file: File): Promise<string | null> {
  const done = beginWork();
  try {
    if (file.size > kMostBytes) throw new FileFault("too_large");
    loadExample(importExample(await file.text()));
    return null;
  } catch (error) {
    if (error instanceof FileFault) return t(kFaults[error.kind], { where: error.where });
    return t("file_unread");
  } finally {
    done();
  }
}

export function FileButtons() {
  const fault = useSignal<string | null>(null);
  return (
    <div class="file-buttons">
      <button
        id="hand-export"
        type="button"
        class="quiet"
        onClick={() => download("headlight-by-hand.json", "application/json", exportExample(example.value))}
      >
        {t("file_export")}
      </button>
      <label class="file-label">
        {t("file_import")}
        <input
          id="hand-import"
          type="file"
          accept=".json,application/json"
          onChange={async (event) => {
            const input = event.currentTarget;
            const file = input.files?.[0];
            if (!file) return;
            fault.value = await read(file);
            input.value = ""; // the same file, put right, can be opened again
          }}
        />
      </label>
      {fault.value && (
        <p class="setting-fault" role="alert" data-file-fault>
          {fault.value}
        </p>
      )}
    </div>
  );
}

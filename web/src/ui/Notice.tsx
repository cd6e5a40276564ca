// Errors, said in place and in plain words.
import { kNotRecorded } from "../api/client.ts";
import { t } from "../i18n/index.ts";
import { modelName, type Problem } from "../state/session.ts";

function explain(problem: Problem): string {
  if (problem.kind === "no_model") return t("error_no_model", { name: modelName.value ?? "" });
  if (problem.kind === "ids") return t("error_ids");
  if (problem.error.status === kNotRecorded) return t("error_not_recorded");
  if (problem.error.status === 0) return t("error_offline");
  if (problem.error.status === 429) return t("error_busy");
  // The engine's messages begin with the operation in brackets, which is for programmers.
  return problem.error.message.replace(/^\[[^\]]*\]\s*/, "");
}

interface NoticeProps {
  readonly problem: Problem;
  readonly onRetry?: () => void;
}

export function Notice({ problem, onRetry }: NoticeProps) {
  return (
    <div class="notice" role="alert">
      <p>
        <strong>{t("error_title")}</strong> <span class="notice-text">{explain(problem)}</span>
      </p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          {t("retry")}
        </button>
      )}
    </div>
  );
}

import type { Kernels } from "../api/types.ts";
import { t } from "../i18n/index.ts";

/** Which kernel computed what is shown; unfolded, why those before it in the list did not. */
export function KernelReport({ kernels }: { readonly kernels: Kernels }) {
  const { ran, isa, declined } = kernels;
  return (
    <details class="computed-by" data-kernel={ran}>
      <summary>{t("computed_by", { kernel: ran, isa })}</summary>
      {declined.length === 0 && <p>{t("kernel_first")}</p>}
      <ul>
        {declined.map(({ kernel, reason }) => (
          <li key={kernel} data-declined={kernel}>
            {t("kernel_declined", { kernel, reason })}
          </li>
        ))}
      </ul>
    </details>
  );
}

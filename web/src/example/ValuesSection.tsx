import { t } from "../i18n/index.ts";
import { kHeadDim } from "../maths/example.ts";
import { NumberInput } from "./NumberInput.tsx";
import { example } from "./state.ts";
import { Step } from "./Step.tsx";

export function ValuesSection() {
  return (
    <Step number={2} title={t("step_values")} note={t("step_values_note")}>
      <div class="scroll">
        <table class="matrix">
          <tbody>
            {example.value.words.map((word, w) => (
              <tr key={w}>
                <th scope="row">
                  <i>v</i>
                  <sub>{word}</sub>
                </th>
                {Array.from({ length: kHeadDim }, (_, d) => (
                  <td key={d}>
                    <NumberInput
                      cell={{ kind: "v", row: w, column: d }}
                      value={example.value.values[w]![d]!}
                      label={t("value_input", { word, component: d + 1 })}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Step>
  );
}

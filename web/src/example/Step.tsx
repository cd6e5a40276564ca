import type { ComponentChildren } from "preact";

interface StepProps {
  readonly number: number;
  readonly title: string;
  readonly note?: string;
  readonly children: ComponentChildren;
}

export function Step({ number, title, note, children }: StepProps) {
  return (
    <section class="step">
      <h2>
        <span class="step-number" aria-hidden="true">
          {number}
        </span>
        {title}
      </h2>
      {note && <p class="hint">{note}</p>}
      {children}
    </section>
  );
}

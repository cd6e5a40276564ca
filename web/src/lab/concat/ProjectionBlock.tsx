// One head's block of W_O as a small heat map: row = component of z, column = component of the stream.
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { Matrix } from "../../api/types.ts";
import { t } from "../../i18n/index.ts";
import { largest, signed } from "../../maths/vectors.ts";
import { projectionOf } from "../../state/concat.ts";
import { touchWork } from "../../state/idle.ts";
import { theme } from "../../state/preferences.ts";
import { headOklch, rgbBytes } from "../../ui/colour.ts";
import { moveIndex } from "../../ui/roving.ts";

/** Positive in the head's colour, negative in grey; the deeper, the larger. */
function paint(canvas: HTMLCanvasElement, block: Matrix, positive: readonly number[], negative: readonly number[]): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const most = largest([Array.from(block.data)]);
  const image = context.createImageData(block.columns, block.rows);
  block.data.forEach((value, i) => {
    const colour = value >= 0 ? positive : negative;
    image.data.set([...colour, 255 * Math.sqrt(Math.abs(value) / most)], 4 * i);
  });
  context.putImageData(image, 0, 0);
}

export function ProjectionBlock({ head }: { readonly head: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const at = useSignal(0);
  const block = projectionOf(head);
  const pointAt = (next: number) => {
    touchWork();
    at.value = next;
  };
  const inTheme = theme.value;
  useEffect(() => {
    const grey = inTheme === "dark" ? [205, 210, 218] : [60, 66, 76];
    if (canvas.current && block) paint(canvas.current, block, rgbBytes(headOklch(head, inTheme)), grey);
  }, [block, head, inTheme]);
  if (!block) return <p class="loading">{t("loading_block")}</p>;
  const cell = Math.min(at.value, block.data.length - 1);
  const [row, column] = [Math.floor(cell / block.columns), cell % block.columns];
  const value = block.data[cell]!;
  const words = t("block_cell", { row, column, value: signed(value) });
  const onKey = (event: KeyboardEvent) => {
    const next = moveIndex(event.key, cell, block.data.length, block.columns);
    if (next === null) return;
    event.preventDefault();
    pointAt(next);
  };
  return (
    <figure class="projection-block" data-block={head}>
      <figcaption>{t("block_title", { head, rows: block.rows, columns: block.columns })}</figcaption>
      <div
        class="block-map"
        role="slider"
        tabIndex={0}
        aria-label={t("block_title", { head, rows: block.rows, columns: block.columns })}
        aria-valuemin={0}
        aria-valuemax={block.data.length - 1}
        aria-valuenow={cell}
        aria-valuetext={words}
        onKeyDown={onKey}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const x = Math.floor(((event.clientX - box.left) / box.width) * block.columns);
          const y = Math.floor(((event.clientY - box.top) / box.height) * block.rows);
          if (x >= 0 && y >= 0 && x < block.columns && y < block.rows) pointAt(y * block.columns + x);
        }}
      >
        <canvas ref={canvas} width={block.columns} height={block.rows} aria-hidden="true" />
      </div>
      <p class="block-cell" data-cell={`${row},${column}`} data-value={value}>
        {words}
      </p>
    </figure>
  );
}

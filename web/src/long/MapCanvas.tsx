// The canvas of the map: drawn from what is there, moved by pointer, wheel and keys.
import { useEffect, useRef } from "preact/hooks";
import { whole, within, zoom, type Area } from "../maths/long_map.ts";
import { theme } from "../state/preferences.ts";
import { closer, cursor, grid, kPanStep, kZoomStep, move, setCursor, tokensOf, type Cell } from "./cursor.ts";
import { drawAt, imageOf } from "./paint.ts";
import { area, chooseLongQuery, longHead, longQuery, longTrace, show } from "./state.ts";
import { headKey, lastDrawn, mapHere, shownValue, thumbnail } from "./views.ts";

const kPixels = 768;
/** Part of the map that a click may slip without being a drag. */
const kSlip = 0.01;

/** The map as far as it is known: all of it from afar, over that the last part, over that this one. */
export function draw(context: CanvasRenderingContext2D, on: Area, cell: Cell | null): void {
  const size = context.canvas.width;
  const head = longHead.value;
  const [shown, inTheme, from] = [shownValue.value, theme.value, thumbnail(head)];
  context.clearRect(0, 0, size, size);
  context.imageSmoothingEnabled = false;
  if (from) drawAt(context, imageOf(from, shown, head, inTheme), whole(longTrace.value!.length), on);
  const last = lastDrawn.value;
  if (last && last.of === headKey.value) drawAt(context, imageOf(last.map, shown, head, inTheme), last.area, on);
  const here = mapHere.value;
  if (here) drawAt(context, imageOf(here, shown, head, inTheme), on, on);
  const ink = getComputedStyle(context.canvas).color;
  context.strokeStyle = ink;
  context.fillStyle = ink;
  const query = longQuery.value;
  if (query !== null && query >= on.row && query < on.row + on.span) {
    const height = Math.max(2, size / on.span);
    context.globalAlpha = 0.35;
    context.fillRect(0, ((query - on.row) * size) / on.span, size, Math.min(height, 3));
    context.globalAlpha = 1;
  }
  if (cell && here) {
    const [width, height] = [size / here.columns, size / here.rows];
    context.lineWidth = 2;
    context.strokeRect(cell.column * width - 1, cell.row * height - 1, width + 2, height + 2);
  }
}

/** Where on the map the pointer is, from 0 to 1. */
function fractions(event: MouseEvent): { readonly x: number; readonly y: number } {
  const box = (event.currentTarget as Element).getBoundingClientRect();
  const inside = (part: number) => Math.min(0.999999, Math.max(0, part));
  return { x: inside((event.clientX - box.left) / box.width), y: inside((event.clientY - box.top) / box.height) };
}

function cellUnder(event: MouseEvent): Cell {
  const { x, y } = fractions(event);
  return { row: Math.floor(y * grid().rows), column: Math.floor(x * grid().columns) };
}

function onWheel(event: WheelEvent): void {
  const { x, y } = fractions(event);
  const next = zoom(area.value, longTrace.value!.length, 2 ** (-Math.sign(event.deltaY) / 2), x, y);
  if (next.span === area.value.span) return; // at the end of the zoom the page scrolls on
  event.preventDefault();
  show(next);
}

interface Drag {
  readonly x: number;
  readonly y: number;
  readonly area: Area;
  moved: boolean;
}

function onDrag(event: PointerEvent, from: Drag): void {
  const { x, y } = fractions(event);
  from.moved ||= Math.hypot(x - from.x, y - from.y) > kSlip;
  const { row, key, span } = from.area;
  if (from.moved) show(within({ span, key: key - (x - from.x) * span, row: row - (y - from.y) * span }, longTrace.value!.length));
}

const kArrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function onKey(event: KeyboardEvent): void {
  const { rows, columns } = grid();
  const here = cursor.value ?? { row: Math.floor(rows / 2), column: Math.floor(columns / 2) };
  const [x, y] = [(here.column + 0.5) / columns, (here.row + 0.5) / rows];
  const arrow = kArrows[event.key];
  const inside = (at: number, count: number) => Math.min(count - 1, Math.max(0, at));
  if (arrow && event.shiftKey) move(arrow[0] * kPanStep, arrow[1] * kPanStep);
  else if (arrow) setCursor({ row: inside(here.row + arrow[1], rows), column: inside(here.column + arrow[0], columns) });
  else if (event.key === "+" || event.key === "=") closer(kZoomStep, x, y);
  else if (event.key === "-") closer(1 / kZoomStep, x, y);
  else if (event.key === "0") show(whole(longTrace.value!.length));
  else if (event.key === "Enter" || event.key === " ") chooseLongQuery(tokensOf(here).rows[0]);
  else return;
  event.preventDefault();
}

export function MapCanvas({ label }: { readonly label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drag = useRef<Drag | null>(null);
  const [on, cell] = [area.value, cursor.value];
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (context) draw(context, on, cell);
  }, [on, cell, theme.value, shownValue.value, mapHere.value, lastDrawn.value, thumbnail(longHead.value), longQuery.value, headKey.value]);
  useEffect(() => {
    // Not an attribute: those listeners are passive, and the page would scroll, too.
    const element = canvas.current!;
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);
  return (
    <canvas
      ref={canvas}
      id="long-map"
      width={kPixels}
      height={kPixels}
      tabIndex={0}
      role="application"
      aria-label={label}
      aria-describedby="long-keys"
      aria-busy={!mapHere.value}
      data-area={`${on.row}.${on.key}.${on.span}`}
      onKeyDown={onKey}
      onPointerDown={(event) => {
        drag.current = { ...fractions(event), area: area.value, moved: false };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => (drag.current ? onDrag(event, drag.current) : setCursor(cellUnder(event)))}
      onPointerUp={(event) => {
        const moved = drag.current?.moved;
        drag.current = null;
        if (!moved) chooseLongQuery(tokensOf(cellUnder(event)).rows[0]);
      }}
      onPointerCancel={() => (drag.current = null)}
      onPointerLeave={() => !drag.current && setCursor(null)}
      onBlur={() => setCursor(null)}
    />
  );
}

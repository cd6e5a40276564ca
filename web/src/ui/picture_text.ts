// Text of a picture: every line of a text node where the browser put it, as wide as it is there, so that it also
// fits where another font stands in.
import { escaped, fillOf, rounded, type Canvas } from "./picture.ts";

interface TextLine {
  readonly text: string;
  readonly box: DOMRect;
}

/** Between these the browser may break: words, and every character of Chinese. */
const kUnbroken = /[^\s\u2e80-\uffff]+|[\u2e80-\uffff]/g;

/** The lines that the browser broke the node into, without the spaces around them. */
function linesOf(node: Text): TextLine[] {
  const range = document.createRange();
  const boxOf = (start: number, end: number) => {
    range.setStart(node, start);
    range.setEnd(node, end);
    return range.getBoundingClientRect();
  };
  const lines: { start: number; end: number; top: number }[] = [];
  const add = (start: number, end: number) => {
    const box = boxOf(start, end);
    const last = lines.at(-1);
    if (end - start > 1 && range.getClientRects().length > 1) {
      for (let at = start; at < end; at++) add(at, at + 1); // broken after all, at a dash
    } else if (last && Math.abs(last.top - box.top) < box.height / 2) last.end = end;
    else if (box.width > 0) lines.push({ start, end, top: box.top });
  };
  for (const { index, 0: word } of node.data.matchAll(kUnbroken)) add(index, index + word.length);
  return lines.map(({ start, end }) => ({ text: node.data.slice(start, end).replace(/\s+/g, " "), box: boxOf(start, end) }));
}

const measuring = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d");

/** How far the baseline lies below the top of a box of text, in parts of its height. */
function ascentOf(style: CSSStyleDeclaration): number {
  if (!measuring) return 0.8;
  measuring.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = measuring.measureText("x");
  return up + down > 0 ? up / (up + down) : 0.8;
}

/** The text, cut off where it would be wider. */
export function fitted(text: string, font: string, width: number): string {
  if (!measuring) return text;
  measuring.font = font;
  if (measuring.measureText(text).width <= width) return text;
  let end = text.length - 1;
  while (end > 0 && measuring.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end).trimEnd()}…`;
}

const fontOf = (style: CSSStyleDeclaration) =>
  `font-family="${escaped(style.fontFamily)}" font-size="${style.fontSize}" font-weight="${style.fontWeight}" font-style="${style.fontStyle}"`;

/** What is chosen in a list, as words: a picture has nothing to choose. */
export function drawChoice(canvas: Canvas, select: HTMLSelectElement, style: CSSStyleDeclaration): void {
  const box = select.getBoundingClientRect();
  const size = Number.parseFloat(style.fontSize);
  const [x, y] = [rounded(box.left - canvas.left), rounded(box.top - canvas.top + box.height / 2 + 0.36 * size)];
  const text = fitted(select.selectedOptions[0]?.text ?? "", `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`, box.width);
  canvas.out.push(`<text x="${x}" y="${y}" ${fontOf(style)} ${fillOf(style.color)}>${escaped(text)}</text>`);
  canvas.right = Math.max(canvas.right, box.right - canvas.left);
}

export function drawText(canvas: Canvas, node: Text, style: CSSStyleDeclaration): void {
  if (node.data.trim() === "") return;
  const ascent = ascentOf(style);
  const font = fontOf(style);
  for (const { text, box } of linesOf(node)) {
    const [x, y] = [rounded(box.left - canvas.left), rounded(box.top - canvas.top + ascent * box.height)];
    canvas.out.push(`<text x="${x}" y="${y}" textLength="${rounded(box.width)}" lengthAdjust="spacingAndGlyphs" ${font} ${fillOf(style.color)}>${escaped(text)}</text>`);
    canvas.right = Math.max(canvas.right, box.right - canvas.left);
    canvas.bottom = Math.max(canvas.bottom, box.bottom - canvas.top);
  }
}

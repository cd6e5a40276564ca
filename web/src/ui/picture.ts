// A part of the page as a picture of its own: what is laid out on the screen, written as SVG with every colour,
// font and place resolved. No style sheet, no script and no network are needed to look at it.
import { plainColour } from "./picture_colour.ts";
import { drawChoice, drawText, fitted } from "./picture_text.ts";

export interface Picture {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

/** Where the picture begins, and how far it has come. */
export interface Canvas {
  readonly left: number;
  readonly top: number;
  right: number;
  bottom: number;
  clips: number;
  readonly out: string[];
}

export const escaped = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
export const rounded = (value: number) => Number(value.toFixed(2));

/** Controls have no place in a picture; hidden text is for screen readers, which the title serves. */
const kLeftOut = "[data-no-picture], details.numbers, input, textarea, .hidden-text";

export function fillOf(colour: string, name = "fill"): string {
  const plain = plainColour(colour);
  if (!plain) return `${name}="none"`;
  return `${name}="${plain.hex}"${plain.opacity < 1 ? ` ${name}-opacity="${rounded(plain.opacity)}"` : ""}`;
}

function reach(canvas: Canvas, box: DOMRect): void {
  canvas.right = Math.max(canvas.right, box.right - canvas.left);
  canvas.bottom = Math.max(canvas.bottom, box.bottom - canvas.top);
}

function drawBorder(canvas: Canvas, style: CSSStyleDeclaration, x: number, y: number, box: DOMRect, radius: number): void {
  const sides = ["top", "right", "bottom", "left"].map((side) => ({
    width: style.getPropertyValue(`border-${side}-style`) === "none" ? 0 : Number.parseFloat(style.getPropertyValue(`border-${side}-width`)),
    colour: style.getPropertyValue(`border-${side}-color`),
    dashed: style.getPropertyValue(`border-${side}-style`) === "dashed",
  }));
  const stroke = ({ width, colour, dashed }: (typeof sides)[number]) =>
    `${fillOf(colour, "stroke")} stroke-width="${width}"${dashed ? ' stroke-dasharray="3 3"' : ""}`;
  const [first] = sides;
  if (sides.every((side) => side.width === first!.width && side.colour === first!.colour)) {
    if (first!.width === 0 || !plainColour(first!.colour)) return;
    const half = first!.width / 2;
    canvas.out.push(
      `<rect x="${rounded(x + half)}" y="${rounded(y + half)}" width="${rounded(Math.max(0, box.width - 2 * half))}" height="${rounded(Math.max(0, box.height - 2 * half))}" rx="${radius}" fill="none" ${stroke(first!)}/>`,
    );
    return;
  }
  const [right, bottom] = [x + box.width, y + box.height];
  const ends = [[x, y, right, y], [right, y, right, bottom], [x, bottom, right, bottom], [x, y, x, bottom]];
  sides.forEach((side, i) => {
    if (side.width === 0 || !plainColour(side.colour)) return;
    const [x1, y1, x2, y2] = ends[i]!.map(rounded);
    canvas.out.push(`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${stroke(side)}/>`);
  });
}

function drawBox(canvas: Canvas, element: Element, style: CSSStyleDeclaration): void {
  const box = element.getBoundingClientRect();
  if (box.width === 0 || box.height === 0) return;
  const [x, y] = [rounded(box.left - canvas.left), rounded(box.top - canvas.top)];
  const corner = Number.parseFloat(style.borderTopLeftRadius) || 0;
  const share = style.borderTopLeftRadius.endsWith("%") ? (corner / 100) * box.width : corner;
  const radius = rounded(Math.min(share, box.width / 2, box.height / 2));
  const drawn = canvas.out.length;
  if (plainColour(style.backgroundColor))
    canvas.out.push(`<rect x="${x}" y="${y}" width="${rounded(box.width)}" height="${rounded(box.height)}" rx="${radius}" ${fillOf(style.backgroundColor)}/>`);
  drawBorder(canvas, style, x, y, box, radius);
  if (canvas.out.length > drawn) reach(canvas, box);
}

const kDrawn = ["stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "font-family", "font-size", "font-weight", "text-anchor"] as const;

/** The style of an SVG element as attributes: style sheets do not come along. */
function resolve(from: Element, to: Element): void {
  const style = getComputedStyle(from);
  for (const name of kDrawn) {
    const value = style.getPropertyValue(name);
    if (value) to.setAttribute(name, value);
  }
  for (const name of ["fill", "stroke", "stop-color"]) {
    const value = style.getPropertyValue(name);
    const plain = plainColour(value);
    if (plain) {
      to.setAttribute(name, plain.hex);
      if (plain.opacity < 1) to.setAttribute(`${name === "stop-color" ? "stop" : name}-opacity`, String(rounded(plain.opacity)));
    } else if (!value.startsWith("url(")) to.setAttribute(name, "none");
  }
  to.removeAttribute("class");
  to.removeAttribute("style");
  [...from.children].forEach((child, i) => resolve(child, to.children[i]!));
}

function drawSvg(canvas: Canvas, svg: SVGSVGElement): void {
  const box = svg.getBoundingClientRect();
  const copy = svg.cloneNode(true) as SVGSVGElement;
  resolve(svg, copy);
  copy.setAttribute("x", String(rounded(box.left - canvas.left)));
  copy.setAttribute("y", String(rounded(box.top - canvas.top)));
  copy.setAttribute("width", String(rounded(box.width)));
  copy.setAttribute("height", String(rounded(box.height)));
  copy.setAttribute("overflow", "visible");
  canvas.out.push(new XMLSerializer().serializeToString(copy));
  reach(canvas, box);
  for (const text of svg.querySelectorAll("text")) reach(canvas, text.getBoundingClientRect());
}

function drawRaster(canvas: Canvas, raster: HTMLCanvasElement | HTMLImageElement): void {
  const box = raster.getBoundingClientRect();
  canvas.out.push(
    `<image x="${rounded(box.left - canvas.left)}" y="${rounded(box.top - canvas.top)}" width="${rounded(box.width)}" height="${rounded(box.height)}" preserveAspectRatio="none" image-rendering="pixelated" href="${raster instanceof HTMLImageElement ? raster.src : raster.toDataURL("image/png")}"/>`,
  );
  reach(canvas, box);
}

/** Opens a group that cuts off what sticks out of the element. */
function openClip(canvas: Canvas, element: Element): void {
  const box = element.getBoundingClientRect();
  const id = `clip-${canvas.clips++}`;
  const [x, y] = [rounded(box.left - canvas.left), rounded(box.top - canvas.top)];
  canvas.out.push(`<clipPath id="${id}"><rect x="${x}" y="${y}" width="${rounded(box.width)}" height="${rounded(box.height)}"/></clipPath><g clip-path="url(#${id})">`);
}

function drawChildren(canvas: Canvas, element: Element, style: CSSStyleDeclaration): void {
  for (const child of element.childNodes) {
    if (child instanceof Text && style.visibility !== "hidden") drawText(canvas, child, style);
    // What is folded away has a place, too, where the browser would put it.
    const folded = element instanceof HTMLDetailsElement && !element.open;
    if (child instanceof Element && (!folded || child.tagName === "SUMMARY")) draw(canvas, child);
  }
}

function draw(canvas: Canvas, element: Element): void {
  if (element.matches(kLeftOut)) return;
  const style = getComputedStyle(element);
  if (style.display === "none" || style.opacity === "0") return;
  const faded = style.opacity !== "1";
  if (faded) canvas.out.push(`<g opacity="${style.opacity}">`);
  if (element instanceof SVGSVGElement) drawSvg(canvas, element);
  else if (element instanceof HTMLCanvasElement || element instanceof HTMLImageElement) drawRaster(canvas, element);
  else if (element instanceof HTMLSelectElement) drawChoice(canvas, element, style);
  else {
    const clips = style.overflowX === "hidden";
    if (style.visibility !== "hidden") drawBox(canvas, element, style);
    if (clips) openClip(canvas, element);
    drawChildren(canvas, element, style);
    if (clips) canvas.out.push("</g>");
  }
  if (faded) canvas.out.push("</g>");
}

/** The colour behind an element: its own, or that of the nearest ancestor that has one. */
function background(element: Element): string {
  for (let at: Element | null = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (plainColour(colour)?.opacity === 1) return colour;
  }
  return "rgb(255, 255, 255)";
}

const kMargin = 12;
const kCaption = 22;

/** What is scrolled out of sight belongs to the picture: it is drawn as if nothing were scrolled. */
function unscrolled<T>(element: Element, drawn: () => T): T {
  const scrolled = [...element.querySelectorAll(".scroll, .overview-grid")].map((one) => ({ one, left: one.scrollLeft }));
  for (const { one } of scrolled) one.scrollLeft = 0;
  const result = drawn();
  for (const { one, left } of scrolled) one.scrollLeft = left;
  return result;
}

export function takePicture(element: Element, caption: string): Picture {
  const canvas = unscrolled(element, () => {
    const box = element.getBoundingClientRect();
    const fresh: Canvas = { left: box.left - kMargin, top: box.top - kMargin, right: 0, bottom: 0, clips: 0, out: [] };
    draw(fresh, element);
    return fresh;
  });
  const [width, height] = [Math.ceil(canvas.right + kMargin), Math.ceil(canvas.bottom + kMargin + kCaption)];
  const style = getComputedStyle(document.body);
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escaped(caption)}</title>`,
    `<rect width="${width}" height="${height}" ${fillOf(background(element))}/>`,
    ...canvas.out,
    `<text x="${kMargin}" y="${height - kMargin}" ${fillOf(style.color)} opacity="0.65" font-family="${escaped(style.fontFamily)}" font-size="11">${escaped(fitted(caption, `11px ${style.fontFamily}`, width - 2 * kMargin))}</text>`,
    "</svg>",
  ].join("\n");
  return { svg, width, height };
}

const kSharpness = 2;

/** The picture in pixels, two for each of the page's. */
export async function asPng({ svg, width, height }: Picture): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const raster = document.createElement("canvas");
  [raster.width, raster.height] = [width * kSharpness, height * kSharpness];
  raster.getContext("2d")!.drawImage(image, 0, 0, raster.width, raster.height);
  return new Promise((made, failed) => raster.toBlob((blob) => (blob ? made(blob) : failed(new Error("no picture"))), "image/png"));
}

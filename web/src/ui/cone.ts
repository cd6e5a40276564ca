// A cone of light, from the lamp to the line of a token.

/** How far the lamp stands from the left edge. */
export const kLamp = 9;

export interface ConePlace {
  readonly width: number;
  readonly rowHeight: number;
  /** Height of the lamp in pixels from the top. */
  readonly lampY: number;
}

/** As wide at the line as the weight, which is in [0, 1]; `y` is the middle of the line. */
export function cone(weight: number, y: number, { lampY, rowHeight, width }: ConePlace): string {
  const half = Math.max(0.5, (Math.min(weight, 1) * (rowHeight - 2)) / 2);
  const bend = kLamp + (width - kLamp) * 0.55;
  const source = `${kLamp} ${lampY}`;
  const [top, bottom] = [y - half, y + half].map((edge) => Number(edge.toFixed(2)));
  return `M${source}C${bend} ${lampY} ${bend} ${top} ${width} ${top}V${bottom}C${bend} ${bottom} ${bend} ${lampY} ${source}Z`;
}

/** Of the cone of a weight, which is in [0, 1]: light weights stay visible beside heavy ones. */
export function opacityOf(weight: number): string {
  return Math.min(1, 0.16 + 0.84 * Math.sqrt(weight)).toFixed(3);
}

/** Tokens [begin, end) as a reader counts them: the first and the last. */
export function rangeText([begin, end]: readonly [number, number]): string {
  return end - begin === 1 ? String(begin) : `${begin}–${end - 1}`;
}

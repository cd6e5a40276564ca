/** Token ids as typed: whole numbers separated by spaces or commas; null when it is anything else. */
export function parseIds(text: string): number[] | null {
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  if (parts.length === 0 || !parts.every((part) => /^\d{1,9}$/.test(part))) return null;
  return parts.map(Number);
}

/** Three significant digits and a letter for the power of ten, the same in every language: "1.05M". */
export function compact(value: number, language: string): string {
  const letters = ["", "k", "M", "G", "T"];
  const power = value >= 1000 ? Math.min(letters.length - 1, Math.floor(Math.log10(value) / 3)) : 0;
  const short = value / 1000 ** power;
  return `${short.toLocaleString(language, { maximumSignificantDigits: 3, useGrouping: false })}${letters[power]}`;
}

/** "524 kB" */
export function bytes(value: number, language: string): string {
  return `${compact(value, language).replace(/[kMGT]?$/, " $&")}B`;
}

/** Seconds in the unit that suits them. */
export function duration(seconds: number): string {
  if (seconds >= 1) return `${seconds.toFixed(2)} s`;
  if (seconds >= 1e-3) return `${(seconds * 1e3).toFixed(2)} ms`;
  return `${(seconds * 1e6).toFixed(1)} µs`;
}

// The example by hand as a JSON file. What comes in is checked before any of it is believed: size, fields,
// extents, and every number.
import { blank, type Example, type Setting } from "./example.ts";
import { Rational } from "./rational.ts";
import { extents, settingFault } from "./setting.ts";

export const kMostBytes = 64 * 1024;
const kFormat = "headlight-by-hand";
const kVersion = 1;
const kFields = ["format", "version", "sentence", "query", "keys", "heads", "weights", "values", "w_o"];

/** What is wrong with a file: a kind that the catalogue has words for, and where. */
export class FileFault extends Error {
  constructor(
    readonly kind: "too_large" | "not_json" | "not_ours" | "version" | "field" | "unknown" | "setting" | "extents" | "number",
    readonly where = "",
  ) {
    super(`${kind} ${where}`);
  }
}

export function exportExample(example: Example): string {
  const rows = (matrix: readonly (readonly Rational[])[]) => matrix.map((row) => row.map(String));
  const { sentence, query, keys, heads } = example;
  const weights = rows(example.weights);
  const file = { format: kFormat, version: kVersion, sentence, query, keys, heads, weights, values: rows(example.values), w_o: rows(example.outputProjection) };
  return `${JSON.stringify(file, null, 1)}\n`;
}

type Fields = Readonly<Record<string, unknown>>;

function parsed(text: string): Fields {
  if (new TextEncoder().encode(text).length > kMostBytes) throw new FileFault("too_large");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new FileFault("not_json");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new FileFault("not_ours");
  return json as Fields;
}

function readSetting(fields: Fields): Setting {
  const { sentence, query, keys, heads } = fields;
  if (typeof sentence !== "string") throw new FileFault("field", "sentence");
  if (typeof query !== "number") throw new FileFault("field", "query");
  if (typeof heads !== "number") throw new FileFault("field", "heads");
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "number")) throw new FileFault("field", "keys");
  const setting = { sentence, query, keys: keys as number[], heads };
  const fault = settingFault(setting);
  if (fault) throw new FileFault("setting", fault);
  return setting;
}

function readNumber(value: unknown, where: string): Rational {
  const text = typeof value === "number" ? String(value) : value;
  const number = typeof text === "string" ? Rational.parse(text) : null;
  if (!number) throw new FileFault("number", where);
  return number;
}

function readMatrix(fields: Fields, name: string, [rows, columns]: readonly [number, number]): Rational[][] {
  const matrix = fields[name];
  if (!Array.isArray(matrix)) throw new FileFault("field", name);
  const fits = matrix.length === rows && matrix.every((row) => Array.isArray(row) && row.length === columns);
  if (!fits) throw new FileFault("extents", `${name}: ${rows} × ${columns}`);
  return (matrix as unknown[][]).map((row, r) => row.map((value, c) => readNumber(value, `${name}[${r}][${c}]`)));
}

/** Throws FileFault. */
export function importExample(text: string): Example {
  const fields = parsed(text);
  if (fields["format"] !== kFormat) throw new FileFault("not_ours");
  if (fields["version"] !== kVersion) throw new FileFault("version", String(fields["version"]).slice(0, 20));
  const strange = Object.keys(fields).find((key) => !kFields.includes(key));
  if (strange !== undefined) throw new FileFault("unknown", strange.slice(0, 40));
  const setting = readSetting(fields);
  const sizes = extents(setting);
  return {
    ...blank(setting),
    weights: readMatrix(fields, "weights", sizes.weights),
    values: readMatrix(fields, "values", sizes.values),
    outputProjection: readMatrix(fields, "w_o", sizes.w_o),
  };
}

// A model folder with random weights: as large as asked, and no download.
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** The tensors of a GPT-2: name, shape, and what its numbers lie around. */
function tensorsOf({ layers, width, vocabulary, positions }) {
  const norm = (name) => [[`${name}.weight`, [width], 1], [`${name}.bias`, [width], 0]];
  const linear = (name, from, to) => [[`${name}.weight`, [from, to], 0], [`${name}.bias`, [to], 0]];
  const block = (l) => [
    ...norm(`h.${l}.ln_1`),
    ...linear(`h.${l}.attn.c_attn`, width, 3 * width),
    ...linear(`h.${l}.attn.c_proj`, width, width),
    ...norm(`h.${l}.ln_2`),
    ...linear(`h.${l}.mlp.c_fc`, width, 4 * width),
    ...linear(`h.${l}.mlp.c_proj`, 4 * width, width),
  ];
  const blocks = Array.from({ length: layers }, (_, l) => block(l)).flat();
  return [["wte.weight", [vocabulary, width], 0], ["wpe.weight", [positions, width], 0], ...blocks, ...norm("ln_f")];
}

/** bf16: the upper half of the float. Numbers of the same few thousand, drawn once, are as good as any. */
function drawn(around) {
  let state = 12345;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const floats = Float32Array.from({ length: 1 << 16 }, () => around + 0.07 * (uniform() + uniform() + uniform() - 1.5));
  return Uint16Array.from(new Uint32Array(floats.buffer), (bits) => bits >>> 16);
}

/** Writes config.json and model.safetensors; without a tokenizer, so that the model reads ids. */
export function writeRandomModel(folder, shape) {
  mkdirSync(folder, { recursive: true });
  const { layers, heads, width, vocabulary, positions } = shape;
  const config = { model_type: "gpt2", n_layer: layers, n_head: heads, n_embd: width, n_positions: positions, vocab_size: vocabulary, activation_function: "gelu_new", layer_norm_epsilon: 1e-5 };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));

  const tensors = tensorsOf(shape);
  const header = {};
  let offset = 0;
  for (const [name, dims] of tensors) {
    const bytes = 2 * dims.reduce((product, dim) => product * dim, 1);
    header[name] = { dtype: "BF16", shape: dims, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const pools = { 0: Buffer.from(drawn(0).buffer), 1: Buffer.from(drawn(1).buffer) };
  const file = openSync(join(folder, "model.safetensors"), "w");
  writeSync(file, length);
  writeSync(file, json);
  for (const [name, , around] of tensors) {
    const [from, to] = header[name].data_offsets;
    const pool = pools[around];
    for (let left = to - from; left > 0; left -= pool.length) writeSync(file, pool, 0, Math.min(left, pool.length));
  }
  closeSync(file);
}

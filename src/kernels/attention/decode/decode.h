// Attention of a few queries against many keys: the steps of a decode, and short sequences.
#pragma once

#include "kernels/attention/attention.h"

namespace headlight {

/// Most queries that the kernel takes: with more, tiles of queries along the lanes are as fast.
inline constexpr std::int64_t kDecodeQueries = 8;
/// Most rows: the queries of all heads that read one key/value head.
inline constexpr std::int64_t kDecodeRows = 128;

/// Reads every key and value once, as it is stored (f32, bf16, f16, i8, in pages or not), and
/// widens in registers. Keys are cut into splits of fixed length, which threads share; the partial
/// results are merged in order, so any number of threads gives the same bits. (Split-KV as in
/// Flash-Decoding, Dao et al. 2023; merging by log-sum-exp: Milakov & Gimelshein 2018.)
AttentionKernel attention_decode();

}  // namespace headlight

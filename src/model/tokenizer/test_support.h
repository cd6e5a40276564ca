// Small tokenizers for tests, written to a folder and loaded as a user's would be.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "model/tokenizer.h"
#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/unicode.h"
#include "support/shared.h"

namespace headlight::testing {

inline void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// The tokenizer of a folder that holds these files and no others.
inline std::unique_ptr<Tokenizer> load_files(
    const std::vector<std::pair<std::string, std::string>>& files) {
  const auto folder = scratch_folder();
  for (const auto& [name, text] : files) write_text(folder / name, text);
  return load_tokenizer(folder);
}

inline std::unique_ptr<Tokenizer> load_json(const Json& root) {
  return load_files({{"tokenizer.json", root.dump()}});
}

inline std::vector<std::int64_t> ids_of(const std::vector<Token>& tokens) {
  std::vector<std::int64_t> ids;
  for (const Token& token : tokens) ids.push_back(token.id);
  return ids;
}

inline std::vector<std::string> pieces_of(const std::vector<Token>& tokens) {
  std::vector<std::string> pieces;
  for (const Token& token : tokens) pieces.push_back(token.piece);
  return pieces;
}

/// What every token covers of the text.
inline std::vector<std::string> covered_by(std::string_view text,
                                           const std::vector<Token>& tokens) {
  std::vector<std::string> out;
  for (const Token& token : tokens)
    out.emplace_back(text.substr(token.begin, token.end - token.begin));
  return out;
}

/// A byte-level BPE: all 256 bytes, then what the merges make.
inline Json byte_level_json(const std::vector<std::pair<std::string, std::string>>& merges) {
  Json vocab = Json::object(), list = Json::array();
  for (int byte = 0; byte < 256; ++byte) {
    std::string piece;
    append_utf8(piece, byte_to_char(static_cast<std::uint8_t>(byte)));
    vocab[piece] = byte;
  }
  for (const auto& [left, right] : merges) {
    vocab[left + right] = vocab.size();
    list.push_back(left + " " + right);
  }
  return {{"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", list}}},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
          {"decoder", {{"type", "ByteLevel"}}}};
}

/// Random code points, with the classes that tokenizers care about well represented.
inline std::string random_text(std::mt19937_64& random, std::size_t length) {
  static constexpr std::pair<char32_t, char32_t> kRanges[] = {
      {0x00, 0x20},     {0x20, 0x7F},     {0x61, 0x7A},       {0x80, 0x17F},       {0x300, 0x36F},
      {0x370, 0x5FF},   {0x2000, 0x206F}, {0x3040, 0x30FF},   {0x4E00, 0x9FFF},    {0xAC00, 0xD7A3},
      {0xE000, 0xFFFF}, {0x1100, 0x11FF}, {0x1F300, 0x1FAFF}, {0x10000, 0x10FFFF},
  };
  std::string out;
  for (std::size_t i = 0; i < length; ++i) {
    const auto [first, last] = kRanges[random() % std::size(kRanges)];
    append_utf8(out, first + static_cast<char32_t>(random() % (last - first + 1)));
  }
  return out;
}

}  // namespace headlight::testing

// libsentencepiece believes the character map of a model's normaliser; this checks it first.
#pragma once

#include <string>
#include <string_view>

namespace headlight {

/// `model` is a serialised ModelProto (google/sentencepiece, sentencepiece_model.proto). Throws,
/// naming `source`, when a precompiled_charsmap in it would lead the library's lookups out of the
/// map. What is no ModelProto at all is left to the library to refuse.
void check_charsmaps(std::string_view model, const std::string& source);

}  // namespace headlight

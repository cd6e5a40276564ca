#include "train/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "io/safetensors.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "checkpoint";
constexpr std::string_view kValues = "values", kFirst = "adam.first", kSecond = "adam.second";

std::string shown(const std::filesystem::path& path) {
  return printable(path.string(), 300);
}

const std::string& entry(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  check(found != file.metadata().end(), kOp, "{}: \"{}\" is missing from the metadata",
        shown(file.path()), key);
  return found->second;
}

std::int64_t steps_of(const SafetensorsFile& file) {
  const std::string& text = entry(file, "steps");
  std::int64_t steps = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), steps);
  check(error == std::errc() && end == text.data() + text.size() && steps >= 0, kOp,
        "{}: steps \"{}\" is not a number of steps", shown(file.path()), printable(text));
  return steps;
}

void read_store(const SafetensorsFile& file, std::string_view name, Tensor& store) {
  const TensorView stored = file.tensor(name);
  check(stored.dtype() == DType::f32 && stored.shape() == store.shape(), kOp,
        "{}: \"{}\" is {} {}; this model's is f32 {}", shown(file.path()), name,
        name_of(stored.dtype()), stored.shape(), store.shape());
  const std::span<const float> values(stored.as<float>(), static_cast<std::size_t>(stored.numel()));
  const auto bad = std::ranges::find_if(values, [](float x) { return !std::isfinite(x); });
  check(bad == values.end(), kOp, "{}: \"{}\" holds a value that is not finite at index {}",
        shown(file.path()), name, bad - values.begin());
  std::ranges::copy(values, store.span<float>().begin());
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, std::string_view fingerprint,
                      std::int64_t steps, const Tensor& values, const AdamW& optimizer) {
  write_safetensors(path,
                    {{std::string(kValues), values},
                     {std::string(kFirst), optimizer.first()},
                     {std::string(kSecond), optimizer.second()}},
                    {{"steps", std::to_string(steps)}, {"run", std::string(fingerprint)}});
}

std::int64_t read_checkpoint(const std::filesystem::path& path, std::string_view fingerprint,
                             Tensor& values, AdamW& optimizer) {
  const SafetensorsFile file(path);
  const std::string& run = entry(file, "run");
  check(run == fingerprint, kOp,
        "{} is of another run ({}, not {}): settings or data have changed; start anew with another "
        "--out",
        shown(path), printable(run), fingerprint);
  read_store(file, kValues, values);
  read_store(file, kFirst, optimizer.first());
  read_store(file, kSecond, optimizer.second());
  return steps_of(file);
}

void remove_unfinished(const std::filesystem::path& folder) {
  constexpr std::string_view kMark =
      ".tmp-";  // write_file_atomically puts six characters behind it
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.size() > kMark.size() + 6 && name.find(kMark) == name.size() - kMark.size() - 6)
      std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace headlight

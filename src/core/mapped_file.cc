#include "core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "file";

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail_errno(const char* what, const std::filesystem::path& path) {
  fail(kOp, "{} {}: {}", what, printable(path.string(), 400), std::strerror(errno));
}

void write_all(const Descriptor& file, std::span<const std::byte> bytes,
               const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_errno("cannot write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  // O_NONBLOCK: opening a FIFO must fail the regular-file check below, not hang.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) fail_errno("cannot open", path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) fail_errno("cannot examine", path);
  check(S_ISREG(info.st_mode), kOp, "{} is {}, not a regular file", printable(path.string(), 400),
        S_ISDIR(info.st_mode) ? "a directory" : "a special file");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) return;
  void* p = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (p == MAP_FAILED) fail_errno("cannot map", path);
  bytes_ = {static_cast<const std::byte*>(p), size};
  mapped_ = true;
}

MappedFile::~MappedFile() {
  if (mapped_) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      bytes_(std::exchange(other.bytes_, {})),
      mapped_(std::exchange(other.mapped_, false)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

bool is_taken(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
}

std::string read_text_file(const std::filesystem::path& path, std::size_t limit) {
  return text_of(MappedFile(path), limit);
}

std::string text_of(const MappedFile& file, std::size_t limit) {
  const auto bytes = file.bytes();
  check(bytes.size() <= limit, kOp, "{} is {} bytes; at most {} are read",
        printable(file.path().string(), 400), bytes.size(), limit);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::span<const std::byte>> pieces) {
  std::string temporary = path.string() + ".tmp-XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) fail_errno("cannot create a file beside", path);
  try {
    for (const auto piece : pieces) write_all(file, piece, path);
    // mkostemp makes files private to the owner; a result is an ordinary file.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    if (::fchmod(file.get(), 0666 & ~mask) != 0) fail_errno("cannot set the mode of", path);
    if (::fsync(file.get()) != 0) fail_errno("cannot flush", path);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail_errno("cannot write", path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void write_text_file(const std::filesystem::path& path, std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  write_file_atomically(path, std::array{bytes});
}

}  // namespace headlight

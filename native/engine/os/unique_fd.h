#pragma once

#include <utility>

namespace vws {

namespace os {
// As close(2) of a socket, or of any other descriptor.
void close_descriptor(int fd);
// Another descriptor of the same thing, which programs that are started do not inherit. -1 with errno.
int copy_descriptor(int fd);
// -1 with errno.
int set_non_blocking(int fd);
}  // namespace os

// Owns a descriptor: closes it when it goes.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  // Hands the descriptor to the caller, who closes it.
  int release() { return std::exchange(fd_, -1); }

  void reset(int fd = -1) {
    const int old = std::exchange(fd_, fd);
    if (old >= 0 && old != fd) os::close_descriptor(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace vws

#ifndef _WIN32

#include "engine/os/standard_error.h"

#include <unistd.h>

namespace vws::os {

void write_to_stderr(const std::string& text) {
  const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  static_cast<void>(written);
}

}  // namespace vws::os

#endif

#ifdef _WIN32

#include <io.h>

#include "engine/os/outbound_state.h"
#include "engine/os/standard_error.h"

namespace vws {

// SIO_TCP_INFO tells less than is needed.
std::optional<OutboundState> outbound_state(int) { return std::nullopt; }

namespace os {

void write_to_stderr(const std::string& text) {
  const int written = _write(2, text.data(), static_cast<unsigned>(text.size()));
  static_cast<void>(written);
}

}  // namespace os

}  // namespace vws

#endif

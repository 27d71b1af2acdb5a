// Any answer of a server is either refused with a code and a printable message, or means something
// that was offered.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cpu_limit.h"
#include "engine/ws/extension.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const vws::test::CpuLimit limit(1);
  if (size < 2) return 0;
  vws::DeflateOffer offer;
  offer.server_no_context_takeover = (data[0] & 1) != 0;
  offer.client_no_context_takeover = (data[0] & 2) != 0;
  offer.server_max_window_bits = (data[0] & 4) != 0 ? 8 + (data[0] >> 5) : 0;
  offer.client_max_window_bits = (data[0] & 8) != 0 ? 8 + (data[1] >> 5) : data[1] & 1;
  const bool offered = (data[0] & 16) == 0;
  const std::string_view header(reinterpret_cast<const char*>(data) + 2, size - 2);
  vws::Negotiated negotiated;
  vws::ExtensionError error;
  const auto require = [](bool condition) {
    if (!condition) std::abort();
  };
  if (!vws::parse_extension_response(header, offered ? &offer : nullptr, &negotiated, &error)) {
    require(!negotiated.on && error.code[0] != '\0' && !error.message.empty());
    for (const char c : error.message) require(c >= ' ' && c <= '~');
    return 0;
  }
  require(error.code[0] == '\0');
  if (!negotiated.on) return 0;
  require(offered);
  const int most_server = offer.server_max_window_bits != 0 ? offer.server_max_window_bits : 15;
  const int most_client = offer.client_max_window_bits >= 8 ? offer.client_max_window_bits : 15;
  require(negotiated.server_max_window_bits >= 8 && negotiated.server_max_window_bits <= 15);
  require(negotiated.client_max_window_bits >= 8 &&
          negotiated.client_max_window_bits <= most_client);
  // A server that does not take up the limit on its window may use all of it.
  require(negotiated.server_max_window_bits <= most_server ||
          negotiated.server_max_window_bits == 15);
  require(negotiated.client_no_context_takeover || !offer.client_no_context_takeover);
  return 0;
}

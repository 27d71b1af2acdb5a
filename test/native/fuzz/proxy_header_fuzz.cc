// A header of the PROXY protocol must be the same however its bytes arrive, and have no more of them than it says. What
// is read of a header that proxies have added to must be an address or none.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/http/forwarded.h"
#include "engine/server/proxy_header.h"

namespace {

vws::ProxyHeader parse(const uint8_t* data, size_t size) {
  // From memory of its own, so that a sanitizer sees a byte too many.
  const std::vector<uint8_t> copy(data, data + size);
  return vws::parse_proxy_header(copy.data(), copy.size());
}

void check_header(const uint8_t* data, size_t size) {
  using State = vws::ProxyHeader::State;
  const auto whole = parse(data, size);
  if (whole.state == State::kMore && size >= vws::kMaxProxyHeader) std::abort();
  for (size_t part = 0; part <= size; ++part) {
    const auto header = parse(data, part);
    if (header.state == State::kMore) continue;
    if (header.state != whole.state) std::abort();
    if (header.state != State::kDone) return;
    if (header.size != part || whole.size != part) std::abort();
    if (!(header.source == whole.source) || !(header.destination == whole.destination))
      std::abort();
    return;
  }
}

void check_forwarded(const std::string& value) {
  vws::TrustedProxies proxies;
  proxies.networks.add("10.0.0.0/8");
  const auto peer = *vws::Address::from_numeric("10.0.0.1", 0);
  for (const auto which :
       {vws::TrustedProxies::Header::kXForwardedFor, vws::TrustedProxies::Header::kForwarded}) {
    proxies.header = which;
    const auto client = vws::client_address(proxies, peer, value);
    if (!client.empty() && !client.is_ip()) std::abort();
    // What a client writes changes nothing of what the proxy adds.
    const std::string added = which == vws::TrustedProxies::Header::kForwarded
                                  ? value + ", for=192.0.2.1"
                                  : value + ", 192.0.2.1";
    if (vws::client_address(proxies, peer, added).text() != "192.0.2.1") std::abort();
  }
  vws::header_value(value, "forwarded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  check_header(data, size);
  check_forwarded(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}

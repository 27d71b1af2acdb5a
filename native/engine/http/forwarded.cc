#include "engine/http/forwarded.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "engine/base/letter_case.h"
#include "engine/http/white_space.h"

namespace vws {

namespace {

// The last element of what is left of a list, which ends before it then. Commas between quotes separate nothing: a
// quote that a client has opened ends at the next one from the right, where a proxy has written.
std::string take_last(std::string& list, bool quotes, char separator = ',') {
  bool quoted = false;
  size_t at = list.size();
  for (; at > 0; --at) {
    const char c = list[at - 1];
    if (quotes && c == '"') quoted = !quoted;
    if (c == separator && !quoted) break;
  }
  std::string element = trimmed(list, at, list.size());
  list.resize(at == 0 ? 0 : at - 1);
  return element;
}

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:80".
std::optional<Address> node_address(const std::string& node) {
  std::string text = node;
  if (!node.empty() && node[0] == '[') {
    const size_t end = node.find(']');
    if (end == std::string::npos) return std::nullopt;
    if (end + 1 < node.size() && node[end + 1] != ':') return std::nullopt;
    text = node.substr(1, end - 1);
  } else {
    const size_t colon = node.find(':');
    if (colon != std::string::npos && node.find(':', colon + 1) == std::string::npos)
      text = node.substr(0, colon);
  }
  if (text.find('%') != std::string::npos) return std::nullopt;
  return Address::from_numeric(text, 0);
}

// The node of "for=…" among an element's pairs (RFC 7239 §4).
std::string for_node(std::string element) {
  while (!element.empty()) {
    const std::string pair = take_last(element, true, ';');
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || !same_ignoring_case(pair.substr(0, equals), "for")) continue;
    std::string node = pair.substr(equals + 1);
    if (node.size() >= 2 && node.front() == '"' && node.back() == '"')
      node = node.substr(1, node.size() - 2);
    return node;
  }
  return {};
}

}  // namespace

Address client_address(const TrustedProxies& proxies, const Address& peer,
                       const std::string& value) {
  Address client = peer;
  std::string left = value;
  const bool rfc7239 = proxies.header == TrustedProxies::Header::kForwarded;
  while (proxies.networks.contains(client)) {
    if (left.find_first_not_of(" \t") == std::string::npos)
      break;  // the first proxy has asked for itself
    const std::string element = take_last(left, rfc7239);
    const auto address = node_address(rfc7239 ? for_node(element) : element);
    if (!address) return Address();
    client = *address;
  }
  return client;
}

std::string header_value(const std::string& lines, const char* name) {
  const size_t size = std::strlen(name);
  std::string value;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = std::min(lines.find("\r\n", begin), lines.size());
    const size_t colon = begin + size;
    if (colon < end && lines[colon] == ':' &&
        same_ignoring_case(std::string_view(lines).substr(begin, size), name)) {
      if (!value.empty()) value += ", ";
      value += trimmed(lines, colon + 1, end);
    }
    begin = end + 2;
  }
  return value;
}

}  // namespace vws

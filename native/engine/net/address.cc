#include "engine/net/address.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "engine/os/socket.h"

namespace vws {

namespace {

// The index of a zone of a scoped IPv6 address, an interface's name or number. 0: there is none.
uint32_t scope_of(const std::string& zone) {
  if (zone.empty()) return 0;
  const uint32_t index = if_nametoindex(zone.c_str());
  if (index != 0) return index;
  uint64_t number = 0;
  for (const char digit : zone) {
    if (digit < '0' || digit > '9') return 0;
    number = number * 10 + static_cast<uint64_t>(digit - '0');
    if (number > UINT32_MAX) return 0;
  }
  return static_cast<uint32_t>(number);
}

Address end_of(int fd, int (*query)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (query(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return Address();
  return Address(reinterpret_cast<const sockaddr*>(&storage), length);
}

}  // namespace

Address::Address(const sockaddr* address, socklen_t length)
    : length_(std::min<socklen_t>(length, sizeof storage_)) {
  std::memcpy(&storage_, address, length_);
}

std::optional<Address> Address::from_numeric(const std::string& text, uint16_t port) {
  if (text.find('\0') != std::string::npos) return std::nullopt;
  sockaddr_in v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return Address(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  sockaddr_in6 v6{};
  const size_t percent = text.find('%');
  if (inet_pton(AF_INET6, text.substr(0, percent).c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  if (percent != std::string::npos) {
    v6.sin6_scope_id = scope_of(text.substr(percent + 1));
    if (v6.sin6_scope_id == 0) return std::nullopt;
  }
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  return Address(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

std::optional<Address> Address::from_unix_path(const std::string& path) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  const bool abstract = !path.empty() && (path[0] == '@' || path[0] == '\0');
  // A path is stored with its NUL, an abstract name by its length alone.
  const size_t room = sizeof local.sun_path - (abstract ? 0 : 1);
  if (path.empty() || path.size() > room) return std::nullopt;
  if (!abstract && path.find('\0') != std::string::npos) return std::nullopt;
  std::memcpy(local.sun_path, path.data(), path.size());
  if (abstract) local.sun_path[0] = '\0';
  const size_t length = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1);
  return Address(reinterpret_cast<const sockaddr*>(&local), static_cast<socklen_t>(length));
}

Address Address::unix_client() {
  const sa_family_t family = AF_UNIX;
  return Address(reinterpret_cast<const sockaddr*>(&family), sizeof family);
}

Address Address::local_of(int fd) { return end_of(fd, os::local_address); }

Address Address::peer_of(int fd) { return end_of(fd, os::peer_address); }

int Address::ip_version() const {
  if (family() == AF_INET) return 4;
  return family() == AF_INET6 ? 6 : 0;
}

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN + IF_NAMESIZE + 2];
  if (family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage_);
    return inet_ntop(AF_INET, &v4->sin_addr, buffer, sizeof buffer) ? buffer : "";
  }
  if (family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage_);
    if (!inet_ntop(AF_INET6, &v6->sin6_addr, buffer, sizeof buffer)) return "";
    std::string text = buffer;
    if (v6->sin6_scope_id != 0) {
      char name[IF_NAMESIZE];
      text += '%';
      text += if_indextoname(v6->sin6_scope_id, name) ? name : std::to_string(v6->sin6_scope_id);
    }
    return text;
  }
  if (family() != AF_UNIX) return "";
  const auto* local = reinterpret_cast<const sockaddr_un*>(&storage_);
  const size_t head = offsetof(sockaddr_un, sun_path);
  if (static_cast<size_t>(length_) <= head) return "";  // an unnamed end, as the connecting one
  std::string path(local->sun_path, static_cast<size_t>(length_) - head);
  if (path[0] == '\0') {
    path[0] = '@';
    return path;
  }
  return path.substr(0, path.find('\0'));
}

uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  if (family() == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  }
  return 0;
}

void Address::set_port(uint16_t port) {
  if (family() == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&storage_)->sin_port = htons(port);
  } else if (family() == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(&storage_)->sin6_port = htons(port);
  }
}

std::string Address::text_with_port() const {
  return is_ip() ? text() + ':' + std::to_string(port()) : text();
}

bool Address::operator==(const Address& other) const {
  return length_ == other.length_ && std::memcmp(&storage_, &other.storage_, length_) == 0;
}

std::vector<Address> interleave_families(const std::vector<Address>& addresses) {
  std::vector<Address> first;
  std::vector<Address> second;
  for (const Address& address : addresses) {
    const bool same = address.family() == addresses.front().family();
    (same ? first : second).push_back(address);
  }
  std::vector<Address> mixed;
  mixed.reserve(addresses.size());
  for (size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < second.size()) mixed.push_back(second[i]);
  }
  return mixed;
}

}  // namespace vws

#include "engine/events.h"

namespace vws {

namespace {

// What malloc needs for each piece, about.
constexpr size_t kMallocHead = 16;

size_t memory_of(const std::string& text) {
  static const size_t kInPlace = std::string().capacity();
  return text.capacity() > kInPlace ? text.capacity() + kMallocHead : 0;
}

size_t memory_of(const UpgradeResponse& response) {
  return memory_of(response.status_text) + memory_of(response.headers) + memory_of(response.body);
}

template <typename... Strings>
size_t sum(const Strings&... strings) {
  return (memory_of(strings) + ...);
}

struct Memory {
  size_t operator()(const std::string& bytes) const { return memory_of(bytes); }
  size_t operator()(const TextValue& value) const { return memory_of(value.text); }
  size_t operator()(const Block& block) const { return block.memory(); }
  template <typename T>
  size_t operator()(const Boxed<T>& boxed) const {
    return sizeof(T) + kMallocHead + (*this)(*boxed);
  }
  size_t operator()(const FailureValue& value) const {
    const ConnectionFailure& f = value.failure;
    return memory_of(value.response) +
           sum(f.code, f.reason, f.detail, f.engine_words, f.errno_name, f.address, f.location);
  }
  size_t operator()(const EstablishedValue& value) const {
    const PeerInfo none;
    const PeerInfo& tls = value.tls ? *value.tls : none;
    return memory_of(value.response) +
           sum(value.protocol, value.extensions, value.remote_address, value.local_address,
               tls.protocol, tls.cipher, tls.alpn, tls.fingerprint256) +
           tls.certificate.capacity();
  }
  size_t operator()(const ClosedValue& value) const { return sum(value.reason, value.detail); }
  size_t operator()(const RequestValue& value) const {
    const ClientInfo none;
    const ClientInfo& tls = value.tls ? *value.tls : none;
    return sum(value.method, value.target, value.headers, value.remote_address, value.local_address,
               tls.protocol, tls.cipher, tls.alpn, tls.servername, tls.authorization_error) +
           tls.certificate.capacity();
  }
  size_t operator()(const CertificateValue& value) const {
    return sum(value.der, value.servername);
  }
};

}  // namespace

Endpoints endpoints_of(const Address& remote, const Address& local) {
  Endpoints ends;
  ends.remote_address = remote.text();
  ends.remote_port = remote.port();
  ends.local_address = local.text();
  ends.local_port = local.port();
  ends.family = remote.ip_version();
  return ends;
}

size_t memory_of(const Value& value) { return std::visit(Memory(), value); }

}  // namespace vws

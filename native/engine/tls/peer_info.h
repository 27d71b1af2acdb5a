#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/tls/openssl_ptr.h"
#include "engine/tls/verify.h"

namespace vws {

// What an established connection is made of.
struct PeerInfo {
  std::string protocol;  // "TLSv1.3"
  std::string cipher;    // "TLS_AES_256_GCM_SHA384"
  std::string alpn;      // or ""
  bool authorized = false;
  bool reused = false;         // a session was resumed
  std::string fingerprint256;  // of the leaf: upper-case hex with colons; "" without a leaf
  TlsFailure failure;          // why not authorized
};

// After the handshake. Service thread.
PeerInfo peer_info(const SSL* ssl, const TlsVerdict& verdict);

// DER of the leaf; empty if there is none. Also of a resumed session. Service thread.
std::vector<uint8_t> leaf_der(const SSL* ssl);

// SHA-256 of a certificate, "AB:CD:...".
std::string fingerprint256(const X509* certificate);

}  // namespace vws

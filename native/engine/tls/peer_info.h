#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/tls/openssl_ptr.h"
#include "engine/tls/verify.h"

namespace vws {

// What a handshake has agreed on, whichever side we are.
struct TlsFacts {
  std::string protocol;  // "TLSv1.3"
  std::string cipher;    // "TLS_AES_256_GCM_SHA384"
  std::string alpn;      // or ""
  std::vector<uint8_t>
      certificate;  // DER of the peer's leaf; empty: none. Also of a resumed session
};

// What a client's established connection is made of.
struct PeerInfo : TlsFacts {
  bool authorized = false;
  bool reused = false;         // a session was resumed
  std::string fingerprint256;  // of the leaf: upper-case hex with colons; "" without a leaf
  TlsFailure failure;          // why not authorized
};

// After the handshake. Service thread.
TlsFacts tls_facts(const SSL* ssl);
PeerInfo peer_info(const SSL* ssl, const TlsVerdict& verdict);

// DER of the leaf; empty if there is none. Service thread.
std::vector<uint8_t> leaf_der(const SSL* ssl);

// SHA-256 of a certificate, "AB:CD:...".
std::string fingerprint256(const X509* certificate);

}  // namespace vws

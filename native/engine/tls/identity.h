#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/tls/openssl_ptr.h"
#include "engine/tls/tls_error.h"

namespace vws {

// A client's certificate, its key, and the certificates between it and its root.
struct Identity {
  X509Ptr leaf;
  PkeyPtr key;
  X509StackPtr chain;  // null: none
  explicit operator bool() const { return leaf != nullptr; }
};

// PEM or DER, one certificate or more. setting and code are for the error. Any thread.
Result<std::vector<X509Ptr>> parse_certificates(const std::string& bytes, const char* setting,
                                                const char* code);

// PEM or DER, encrypted or not. Never asks at the terminal. Any thread.
Result<PkeyPtr> parse_key(const std::string& bytes, const std::optional<std::string>& passphrase,
                          const char* setting);

// cert alone, if the key is in it; or cert and key; or key alone, if the certificate is in it. Any
// thread.
Result<Identity> parse_identity(const std::optional<std::string>& cert,
                                const std::optional<std::string>& key,
                                const std::optional<std::string>& passphrase);

// A PKCS #12 file: its further certificates are the identity's chain. Any thread.
Result<Identity> parse_pfx(const std::string& bytes, const std::optional<std::string>& passphrase);

}  // namespace vws

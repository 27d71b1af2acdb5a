#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/tls/identity.h"
#include "engine/tls/openssl_ptr.h"
#include "engine/tls/session_cache.h"
#include "engine/tls/tls_error.h"
#include "engine/tls/trust.h"

namespace vws {

class TlsVerdict;

using Fingerprint256 = std::array<uint8_t, 32>;

// What the user asked for. Contents of files, not their names; an absent setting is not an empty
// one.
struct TlsSettings {
  std::optional<std::string> ca;    // PEM, one or more, or DER; absent: roots
  std::optional<std::string> cert;  // PEM: leaf, then its chain, perhaps with the key; or DER
  std::optional<std::string> key;   // PEM or DER, may be encrypted
  std::optional<std::string> pfx;   // PKCS #12, instead of cert and key
  std::optional<std::string> passphrase;
  RootsPtr roots;           // trusted where ca is absent; null: none
  std::string ciphers;      // as Node takes them: TLS 1.3 suites are those that begin with TLS_
  std::string min_version;  // "TLSv1" to "TLSv1.3"; empty: TLSv1.2
  std::string max_version;  // empty: TLSv1.3
  std::string curves;       // groups of the key exchange; empty: OpenSSL's
  std::vector<std::string> alpn;
  bool reject_unauthorized = true;
  bool check_host = true;
  std::vector<std::string> fingerprint256;  // one must match the leaf; hex, colons or not
  bool session_cache = true;
};

// Whom a connection goes to.
struct TlsPeer {
  std::string host;                       // of the URL, without brackets: a name or an address
  std::optional<std::string> servername;  // for SNI and the check, instead of host; "": no SNI
  std::string session_key;                // whose sessions may be resumed; empty: nobody's
};

// Settings made ready for use: parsed, checked and proven to be acceptable to OpenSSL. Immutable
// but for its cache of sessions. Any thread, also several at once.
class TlsConfig : public std::enable_shared_from_this<TlsConfig> {
 public:
  static Result<std::shared_ptr<const TlsConfig>> create(const TlsSettings& settings);

  TlsConfig(const TlsConfig&) = delete;
  TlsConfig& operator=(const TlsConfig&) = delete;

  // Sets everything on an SSL whose handshake has not begun, and attaches the verdict, which must
  // be fresh. Takes back what the engine has set: name, host check, ALPN and verification callback.
  // The SSL must come from a context that prepare_client_context() has seen (client_context.h).
  // Service thread.
  std::optional<TlsFailure> apply(SSL* ssl, const TlsPeer& peer, TlsVerdict& verdict) const;

  // The same on a server's context: identity, protocol, and whose certificates clients may show. Any thread.
  std::optional<TlsError> apply_to_server(SSL_CTX* context) const;

  // In wire format.
  const std::vector<uint8_t>& alpn() const { return alpn_; }
  bool reject_unauthorized() const { return reject_unauthorized_; }
  bool check_host() const { return check_host_; }
  const std::vector<Fingerprint256>& fingerprints() const { return fingerprints_; }
  // Null if sessions are not to be resumed.
  SessionCache* sessions() const { return sessions_.get(); }

 private:
  TlsConfig() = default;

  std::optional<TlsError> load(const TlsSettings& settings);
  std::optional<TlsError> load_protocol(const TlsSettings& settings);
  std::optional<TlsError> load_certificates(const TlsSettings& settings);
  std::optional<TlsError> try_out() const;
  std::optional<TlsError> apply_protocol(SSL* ssl) const;
  std::optional<TlsError> apply_identity(SSL* ssl) const;

  Identity identity_;
  std::vector<X509Ptr>
      authorities_;  // the user's; their names go to clients that are asked for a certificate
  X509StorePtr trust_;
  std::string cipher_list_;
  std::string cipher_suites_;
  std::string curves_;
  int min_version_ = 0;
  int max_version_ = 0;
  std::vector<uint8_t> alpn_;  // in wire format
  bool reject_unauthorized_ = true;
  bool check_host_ = true;
  std::vector<Fingerprint256> fingerprints_;
  std::unique_ptr<SessionCache> sessions_;
};

}  // namespace vws

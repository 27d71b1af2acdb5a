#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/tls/openssl_ptr.h"
#include "engine/tls/tls_error.h"

namespace vws {

class TlsConfig;

// What was found about the peer of one connection, and the policy it was judged by. Owned by the
// connection; TlsConfig::apply() attaches it to the SSL, and either may go first. One thread.
class TlsVerdict {
 public:
  TlsVerdict() = default;
  ~TlsVerdict() { detach(); }
  TlsVerdict(const TlsVerdict&) = delete;
  TlsVerdict& operator=(const TlsVerdict&) = delete;

  // The verdict of an SSL, or null.
  static TlsVerdict* of(const SSL* ssl);

  // Whether the peer is who it should be: chain, dates, name and fingerprint, in this handshake or
  // in the one that it resumes.
  bool authorized() const;
  // Why not. Also set where rejectUnauthorized is off and the handshake went on all the same.
  const TlsFailure& failure() const { return failure_; }
  // Whether the handshake was ended because of it.
  bool refused() const { return refused_; }
  // Codes of all that was wrong with the chain, in the order found.
  const std::vector<std::string>& chain_errors() const { return chain_errors_; }
  // The name or address the certificate is checked for.
  const std::string& hostname() const { return hostname_; }

  // Used by the callbacks that prepare_client_context() installs.
  int judge(X509_STORE_CTX* store);
  int note_chain_error(int ok, X509_STORE_CTX* store);
  void keep_session(SSL_SESSION* session);
  void forget_ssl();

 private:
  friend class TlsConfig;

  bool attach(SSL* ssl, std::shared_ptr<const TlsConfig> config, std::string hostname,
              std::string session_key);
  void detach();

  SSL* ssl_ = nullptr;  // null once it is gone
  std::shared_ptr<const TlsConfig> config_;
  std::string hostname_;
  std::string session_key_;
  bool judged_ = false;
  bool authorized_ = false;
  bool refused_ = false;
  bool offered_session_ = false;
  TlsFailure failure_;
  std::vector<std::string> chain_errors_;
  int error_depth_ = 0;  // of the last of them: 0 is the leaf's
};

// Node's name for an error of OpenSSL's verification (X509_V_ERR_...): "CERT_HAS_EXPIRED".
const char* verify_error_code(int error);

// For SSL_CTX_set_cert_verify_callback(): the connection's verdict decides.
int judge_certificate(X509_STORE_CTX* store, void*);

}  // namespace vws

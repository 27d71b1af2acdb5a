#include "engine/tls/verify.h"

#include <algorithm>
#include <string>

#include "engine/tls/hostname.h"
#include "engine/tls/peer_info.h"
#include "engine/tls/tls_config.h"

namespace vws {

namespace {

// OpenSSL tells through this that an SSL ends while its verdict is still there.
void on_ssl_freed(void*, void* verdict, CRYPTO_EX_DATA*, int, long, void*) {
  if (verdict) static_cast<TlsVerdict*>(verdict)->forget_ssl();
}

int verdict_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, on_ssl_freed);
  return index;
}

TlsVerdict* verdict_of(X509_STORE_CTX* store) {
  return TlsVerdict::of(
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())));
}

int collect_chain_error(int ok, X509_STORE_CTX* store) {
  return verdict_of(store)->note_chain_error(ok, store);
}

bool is_pinned(const X509* leaf, const std::vector<Fingerprint256>& pins) {
  Fingerprint256 print;
  unsigned size = 0;
  if (!X509_digest(leaf, EVP_sha256(), print.data(), &size) || size != print.size()) return false;
  return std::find(pins.begin(), pins.end(), print) != pins.end();
}

// depth: 0 is the leaf's.
TlsFailure describe_chain_error(int error, int depth) {
  std::string detail = X509_verify_cert_error_string(error);
  if (depth > 0) detail += " (certificate " + std::to_string(depth) + " of the chain)";
  return {verify_error_code(error), std::move(detail)};
}

}  // namespace

const char* verify_error_code(int error) {
  switch (error) {
#define VWS_NAME(name)    \
  case X509_V_ERR_##name: \
    return #name
    VWS_NAME(UNABLE_TO_GET_ISSUER_CERT);
    VWS_NAME(UNABLE_TO_GET_CRL);
    VWS_NAME(UNABLE_TO_DECRYPT_CERT_SIGNATURE);
    VWS_NAME(UNABLE_TO_DECRYPT_CRL_SIGNATURE);
    VWS_NAME(UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY);
    VWS_NAME(CERT_SIGNATURE_FAILURE);
    VWS_NAME(CRL_SIGNATURE_FAILURE);
    VWS_NAME(CERT_NOT_YET_VALID);
    VWS_NAME(CERT_HAS_EXPIRED);
    VWS_NAME(CRL_NOT_YET_VALID);
    VWS_NAME(CRL_HAS_EXPIRED);
    VWS_NAME(ERROR_IN_CERT_NOT_BEFORE_FIELD);
    VWS_NAME(ERROR_IN_CERT_NOT_AFTER_FIELD);
    VWS_NAME(OUT_OF_MEM);
    VWS_NAME(DEPTH_ZERO_SELF_SIGNED_CERT);
    VWS_NAME(SELF_SIGNED_CERT_IN_CHAIN);
    VWS_NAME(UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    VWS_NAME(UNABLE_TO_VERIFY_LEAF_SIGNATURE);
    VWS_NAME(CERT_CHAIN_TOO_LONG);
    VWS_NAME(CERT_REVOKED);
    VWS_NAME(INVALID_CA);
    VWS_NAME(PATH_LENGTH_EXCEEDED);
    VWS_NAME(INVALID_PURPOSE);
    VWS_NAME(CERT_UNTRUSTED);
    VWS_NAME(CERT_REJECTED);
    VWS_NAME(HOSTNAME_MISMATCH);
    // Node has no names for these, so they are OpenSSL's.
    VWS_NAME(INVALID_NON_CA);
    VWS_NAME(KEYUSAGE_NO_CERTSIGN);
    VWS_NAME(UNHANDLED_CRITICAL_EXTENSION);
    VWS_NAME(INVALID_EXTENSION);
    VWS_NAME(PERMITTED_VIOLATION);
    VWS_NAME(EXCLUDED_VIOLATION);
    VWS_NAME(UNSUPPORTED_NAME_SYNTAX);
    VWS_NAME(EE_KEY_TOO_SMALL);
    VWS_NAME(CA_KEY_TOO_SMALL);
    VWS_NAME(CA_MD_TOO_WEAK);
    VWS_NAME(SIGNATURE_ALGORITHM_MISMATCH);
#undef VWS_NAME
    default:
      return "UNSPECIFIED";
  }
}

TlsVerdict* TlsVerdict::of(const SSL* ssl) {
  return ssl ? static_cast<TlsVerdict*>(SSL_get_ex_data(ssl, verdict_index())) : nullptr;
}

bool TlsVerdict::attach(SSL* ssl, std::shared_ptr<const TlsConfig> config, std::string hostname,
                        std::string session_key) {
  detach();
  if (SSL_set_ex_data(ssl, verdict_index(), this) != 1) return false;
  ssl_ = ssl;
  config_ = std::move(config);
  hostname_ = std::move(hostname);
  session_key_ = std::move(session_key);
  judged_ = authorized_ = refused_ = offered_session_ = false;
  failure_ = {};
  chain_errors_.clear();
  return true;
}

void TlsVerdict::detach() {
  if (ssl_) SSL_set_ex_data(ssl_, verdict_index(), nullptr);
  ssl_ = nullptr;
}

// What is known of a resumed session has to be kept: it cannot be asked for any more.
void TlsVerdict::forget_ssl() {
  authorized_ = authorized();
  judged_ = true;
  ssl_ = nullptr;
}

bool TlsVerdict::authorized() const {
  if (judged_) return authorized_;
  return offered_session_ && ssl_ && SSL_session_reused(ssl_) && !SSL_in_init(ssl_);
}

int TlsVerdict::note_chain_error(int ok, X509_STORE_CTX* store) {
  if (!ok) {
    chain_errors_.emplace_back(verify_error_code(X509_STORE_CTX_get_error(store)));
    error_depth_ = X509_STORE_CTX_get_error_depth(store);
  }
  return 1;  // all of it is looked at before anything is decided
}

int TlsVerdict::judge(X509_STORE_CTX* store) {
  judged_ = true;
  authorized_ = refused_ = false;
  failure_ = {};
  chain_errors_.clear();
  error_depth_ = 0;

  X509_STORE_CTX_set_verify_cb(store, collect_chain_error);
  const int verified = X509_verify_cert(store);
  // As in Node, the last error is the one that counts.
  int error = X509_STORE_CTX_get_error(store);
  if (verified <= 0 && error == X509_V_OK) error = X509_V_ERR_UNSPECIFIED;
  X509* const leaf = X509_STORE_CTX_get0_cert(store);
  if (error != X509_V_OK) {
    failure_ = describe_chain_error(error, error_depth_);
  } else if (config_->check_host() && !certificate_names(leaf, hostname_)) {
    error = X509_V_ERR_HOSTNAME_MISMATCH;
    failure_ = {"ERR_TLS_CERT_ALTNAME_INVALID", altname_mismatch(leaf, hostname_)};
  }
  refused_ = error != X509_V_OK && config_->reject_unauthorized();
  // Who names the certificate means it, even where the chain does not matter.
  if (!refused_ && !config_->fingerprints().empty() && !is_pinned(leaf, config_->fingerprints())) {
    error = X509_V_ERR_CERT_REJECTED;
    failure_ = {"ERR_TLS_FINGERPRINT_MISMATCH", "the server's certificate has the fingerprint " +
                                                    fingerprint256(leaf) +
                                                    ", which is not one of those asked for"};
    refused_ = true;
  }
  authorized_ = error == X509_V_OK;
  // The engine looks at OpenSSL's result as well: what is let through has to look good to it.
  X509_STORE_CTX_set_error(store, refused_ ? error : X509_V_OK);
  return refused_ ? 0 : 1;
}

void TlsVerdict::keep_session(SSL_SESSION* session) {
  // A session comes after the handshake, so what is resumed is proven. (SSL_in_init() is true again
  // while OpenSSL takes a ticket in.)
  if (!judged_ && offered_session_ && SSL_session_reused(ssl_)) judged_ = authorized_ = true;
  if (!config_ || !config_->sessions() || session_key_.empty() || !authorized()) return;
  // A copy: OpenSSL spoils the original if the connection ends without a close_notify.
  config_->sessions()->put(session_key_, SslSessionPtr(SSL_SESSION_dup(session)));
}

int judge_certificate(X509_STORE_CTX* store, void*) {
  TlsVerdict* verdict = verdict_of(store);
  if (verdict) return verdict->judge(store);
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;  // not one of ours: nobody knows what it may connect to
}

}  // namespace vws

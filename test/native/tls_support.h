#pragma once

// Certificates made on the spot, and a client and a server of TLS that talk through memory.

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/tls/client_context.h"
#include "engine/tls/failure.h"
#include "engine/tls/openssl_ptr.h"
#include "engine/tls/peer_info.h"
#include "engine/tls/tls_config.h"
#include "engine/tls/tls_io.h"
#include "engine/tls/verify.h"

namespace tls_test {

using namespace vws;

struct Credentials {
  X509Ptr certificate;
  PkeyPtr key;
};

struct CertificateSpec {
  std::string common_name;
  std::string altnames;  // "DNS:a.example,IP:127.0.0.1"; empty: none
  long valid_from = -3600;
  long valid_to = 3600;
  bool authority = false;
  const char* usage = nullptr;  // extended key usage
};

inline void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (!extension) abort();
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Signed by the issuer, or by itself.
inline Credentials make_credentials(const CertificateSpec& spec,
                                    const Credentials* issuer = nullptr,
                                    PkeyPtr key = PkeyPtr(EVP_EC_gen("P-256"))) {
  Credentials made{X509Ptr(X509_new()), std::move(key)};
  X509* certificate = made.certificate.get();
  unsigned char serial[8];
  RAND_bytes(serial, sizeof serial);
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  X509_set_version(certificate, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate), spec.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(certificate), spec.valid_to);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1,
                             -1, 0);
  X509* issuer_certificate = issuer ? issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer_certificate));
  X509_set_pubkey(certificate, made.key.get());
  add_extension(certificate, issuer_certificate, NID_basic_constraints,
                spec.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (spec.authority) {
    add_extension(certificate, issuer_certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  add_extension(certificate, issuer_certificate, NID_subject_key_identifier, "hash");
  if (issuer) {
    add_extension(certificate, issuer_certificate, NID_authority_key_identifier, "keyid:always");
  }
  if (!spec.altnames.empty()) {
    add_extension(certificate, issuer_certificate, NID_subject_alt_name, spec.altnames);
  }
  if (spec.usage) add_extension(certificate, issuer_certificate, NID_ext_key_usage, spec.usage);
  X509_sign(certificate, issuer ? issuer->key.get() : made.key.get(), EVP_sha256());
  return made;
}

inline Credentials make_authority(const std::string& name, const Credentials* issuer = nullptr) {
  CertificateSpec spec;
  spec.common_name = name;
  spec.authority = true;
  return make_credentials(spec, issuer);
}

inline Credentials make_leaf(const std::string& name, const std::string& altnames,
                             const Credentials& issuer) {
  CertificateSpec spec;
  spec.common_name = name;
  spec.altnames = altnames;
  return make_credentials(spec, &issuer);
}

inline std::string drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

inline std::string pem_of(const X509Ptr& certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate.get());
  return drain(out.get());
}

inline std::string pem_of(const PkeyPtr& key, const char* passphrase = nullptr) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key.get(), passphrase ? EVP_aes_256_cbc() : nullptr, nullptr,
                           0, nullptr, const_cast<char*>(passphrase));
  return drain(out.get());
}

inline std::string der_of(const X509Ptr& certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  i2d_X509_bio(out.get(), certificate.get());
  return drain(out.get());
}

inline std::string der_of(const PkeyPtr& key) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  i2d_PrivateKey_bio(out.get(), key.get());
  return drain(out.get());
}

inline std::shared_ptr<const TlsConfig> make_config(const TlsSettings& settings) {
  auto made = TlsConfig::create(settings);
  if (!made) {
    fprintf(stderr, "unexpected: %s %s\n", made.error().code.c_str(), made.error().message.c_str());
    abort();
  }
  return made.value();
}

// A server's side of the settings.
struct ServerSpec {
  const Credentials* credentials = nullptr;
  std::vector<const Credentials*> chain;
  const Credentials* client_authority = nullptr;  // wants a client certificate
  int min_version = TLS1_2_VERSION;
  int max_version = TLS1_3_VERSION;
  const char* ciphers = nullptr;
  std::string alpn;  // the one protocol it speaks
};

class TlsServer {
 public:
  explicit TlsServer(ServerSpec spec)
      : spec_(std::move(spec)), context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX* context = context_.get();
    SSL_CTX_use_certificate(context, spec_.credentials->certificate.get());
    SSL_CTX_use_PrivateKey(context, spec_.credentials->key.get());
    for (const Credentials* between : spec_.chain) {
      SSL_CTX_add1_chain_cert(context, between->certificate.get());
    }
    SSL_CTX_set_min_proto_version(context, spec_.min_version);
    SSL_CTX_set_max_proto_version(context, spec_.max_version);
    if (spec_.ciphers) SSL_CTX_set_cipher_list(context, spec_.ciphers);
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("test"), 4);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (spec_.client_authority) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context),
                          spec_.client_authority->certificate.get());
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    if (!spec_.alpn.empty()) SSL_CTX_set_alpn_select_cb(context, select_alpn, this);
  }

  SSL_CTX* context() { return context_.get(); }

 private:
  static int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                         const unsigned char* in, unsigned in_size, void* self_pointer) {
    const std::string& mine = static_cast<TlsServer*>(self_pointer)->spec_.alpn;
    for (unsigned at = 0; at < in_size; at += 1u + in[at]) {
      const std::string offered(reinterpret_cast<const char*>(in + at + 1), in[at]);
      if (offered != mine) continue;
      *out = in + at + 1;
      *out_size = in[at];
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  ServerSpec spec_;
  SslCtxPtr context_;
};

inline SSL_CTX* client_context() {
  static SSL_CTX* const context = make_client_context().release();
  return context;
}

// One connection, both ends. Bytes pass through a pair of BIOs of limited size.
class TlsPair {
 public:
  // Over real sockets, non-blocking, which the caller closes.
  TlsPair(const std::shared_ptr<const TlsConfig>& config, TlsServer& server, const TlsPeer& peer,
          int client_fd, int server_fd)
      : client_(SSL_new(client_context())), server_(SSL_new(server.context())) {
    SSL_set_fd(client_.get(), client_fd);
    SSL_set_fd(server_.get(), server_fd);
    SSL_set_accept_state(server_.get());
    SSL_set_connect_state(client_.get());
    apply_failure_ = config->apply(client_.get(), peer, verdict_);
  }

  TlsPair(const std::shared_ptr<const TlsConfig>& config, TlsServer& server, const TlsPeer& peer,
          size_t pipe_size = 64 * 1024)
      : TlsPair(server, pipe_size) {
    apply_failure_ = config->apply(client_.get(), peer, verdict_);
  }

  // Without any settings.
  explicit TlsPair(TlsServer& server, size_t pipe_size = 64 * 1024)
      : client_(SSL_new(client_context())), server_(SSL_new(server.context())) {
    BIO* client_end = nullptr;
    BIO* server_end = nullptr;
    BIO_new_bio_pair(&client_end, pipe_size, &server_end, pipe_size);
    SSL_set_bio(client_.get(), client_end, client_end);
    SSL_set_bio(server_.get(), server_end, server_end);
    SSL_set_accept_state(server_.get());
    SSL_set_connect_state(client_.get());
  }

  // Takes turns until both are done or one fails. True if both are done; else see failure().
  bool handshake() {
    for (int turn = 0; turn < 100; ++turn) {
      const bool client_done = step(client_.get(), true);
      const bool server_done = step(server_.get(), false);
      if (!failure_.code.empty()) return false;
      if (client_done && (server_done || server_failed_)) return server_done;
    }
    return false;
  }

  // After the handshake: what the server has sent behind it (tickets, alerts) gets to the client.
  IoResult settle() {
    uint8_t byte = 0;
    return tls_read(client_.get(), &byte, 1);
  }

  SSL* client() { return client_.get(); }
  SSL* server() { return server_.get(); }
  TlsVerdict& verdict() { return verdict_; }
  const TlsFailure& failure() const { return failure_; }
  const std::optional<TlsFailure>& apply_failure() const { return apply_failure_; }
  PeerInfo info() { return peer_info(client_.get(), verdict_); }
  void drop_client() { client_.reset(); }

 private:
  bool step(SSL* ssl, bool is_client) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl);
    const TlsStatus status = tls_status(ssl, result);
    if (status == TlsStatus::kOk) return true;
    if (status == TlsStatus::kWantRead || status == TlsStatus::kWantWrite) return false;
    if (is_client) {
      failure_ = describe_handshake_failure(ssl, verdict_);
    } else {
      server_failed_ = true;
    }
    ERR_clear_error();
    return false;
  }

  TlsVerdict verdict_;
  SslPtr client_;
  SslPtr server_;
  bool server_failed_ = false;
  TlsFailure failure_;
  std::optional<TlsFailure> apply_failure_;
};

}  // namespace tls_test

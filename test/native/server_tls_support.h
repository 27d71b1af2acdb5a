#pragma once

// A server's TLS, and clients that speak it.

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/tls/server_tls.h"
#include "server_support.h"
#include "tls_support.h"

namespace vws::test {

// Made once: the authority of all certificates.
inline const tls_test::Credentials& authority() {
  static const tls_test::Credentials& made =
      *new tls_test::Credentials(tls_test::make_authority("Test Root"));
  return made;
}

inline ServerTlsSettings server_settings(const std::string& name = "localhost") {
  const tls_test::Credentials leaf = tls_test::make_leaf(name, "DNS:" + name, authority());
  ServerTlsSettings settings;
  settings.base.cert = tls_test::pem_of(leaf.certificate);
  settings.base.key = tls_test::pem_of(leaf.key);
  settings.base.ca = tls_test::pem_of(authority().certificate);
  settings.base.reject_unauthorized = false;
  return settings;
}

// Null, with a check that failed.
inline std::shared_ptr<const ServerTls> server_tls(
    const ServerTlsSettings& settings = server_settings()) {
  auto made = ServerTls::create(settings);
  if (made) return made.value();
  report(__FILE__, __LINE__, made.error().code + ": " + made.error().message);
  return nullptr;
}

struct ClientTls {
  const char* servername = nullptr;
  const tls_test::Credentials* credentials = nullptr;
  SSL_SESSION* session = nullptr;
  std::string alpn;  // in wire format
  int version = 0;   // the only one; 0: whatever
  bool wants_ocsp = false;
};

// As RawClient, over TLS or not. The handshake is made by the constructor.
class TlsClient {
 public:
  TlsClient(uint16_t port, bool tls, const ClientTls& settings = ClientTls()) : raw_(port) {
    if (!tls) return;
    context_.reset(SSL_CTX_new(TLS_client_method()));
    // A context that ends makes the sessions in its own cache useless.
    SSL_CTX_set_session_cache_mode(context_.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (settings.credentials) {
      SSL_CTX_use_certificate(context_.get(), settings.credentials->certificate.get());
      SSL_CTX_use_PrivateKey(context_.get(), settings.credentials->key.get());
    }
    if (settings.version != 0) {
      SSL_CTX_set_min_proto_version(context_.get(), settings.version);
      SSL_CTX_set_max_proto_version(context_.get(), settings.version);
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL* const ssl = ssl_.get();
    SSL_set_fd(ssl, raw_.fd());
    if (settings.servername) SSL_set_tlsext_host_name(ssl, settings.servername);
    if (settings.session) SSL_set_session(ssl, settings.session);
    if (settings.wants_ocsp) SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    if (!settings.alpn.empty()) {
      SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(settings.alpn.data()),
                          static_cast<unsigned>(settings.alpn.size()));
    }
    shaken_ = SSL_connect(ssl) == 1;
  }
  // OpenSSL resumes no session of a connection that has ended without a word.
  ~TlsClient() {
    if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool shaken() const { return shaken_; }
  SSL* ssl() { return ssl_.get(); }
  RawClient& raw() { return raw_; }

  bool say(const std::string& bytes) {
    if (!ssl_) return raw_.say(bytes);
    return shaken_ && SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  void half_close() { raw_.half_close(); }
  std::string read(size_t n) {
    if (!ssl_) return raw_.read(n);
    std::string bytes(n, '\0');
    size_t done = 0;
    while (shaken_ && done < n) {
      const int got = SSL_read(ssl_.get(), &bytes[done], static_cast<int>(n - done));
      if (got <= 0) break;
      done += static_cast<size_t>(got);
    }
    bytes.resize(done);
    return bytes;
  }
  // Up to the end of the stream.
  std::string read_all() { return read(1024 * 1024); }
  // Whether TCP has ended, without waiting for it.
  bool has_ended() const { return has_peer_ended(raw_.fd()); }

 private:
  RawClient raw_;
  SslCtxPtr context_;
  SslPtr ssl_;
  bool shaken_ = false;
};

}  // namespace vws::test

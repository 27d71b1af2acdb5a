#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/tls/openssl_ptr.h"
#include "engine/tls/peer_info.h"
#include "engine/tls/tls_config.h"
#include "engine/tls/tls_error.h"

namespace vws {

// What a server's TLS is made from. In base: cert, key, pfx, passphrase, ca, ciphers, versions and ALPN;
// reject_unauthorized is about the clients' certificates.
struct ServerTlsSettings {
  TlsSettings base;
  bool request_cert = false;
  bool honor_cipher_order = true;
  std::string ecdh_curves;  // as SSL_CTX_set1_groups_list() takes them; empty: OpenSSL's own
  std::string
      ticket_keys;  // 48 bytes each: name, HMAC key, AES key; the first one encrypts. Empty: OpenSSL's own
  std::string ocsp_response;       // DER, stapled to clients that ask; empty: none
  uint32_t session_timeout = 300;  // seconds
};

// The client's certificate, and what the handshake came to.
struct ClientInfo : TlsFacts {
  std::string servername;
  bool authorized = false;
  std::string
      authorization_error;  // OpenSSL's name of why not: "DEPTH_ZERO_SELF_SIGNED_CERT"; empty: no certificate
};

// A server's certificate and settings, made ready for use. Immutable: to change certificates, another one takes its
// place, and connections that stand keep theirs. Any thread, also several at once.
class ServerTls {
 public:
  static Result<std::shared_ptr<const ServerTls>> create(const ServerTlsSettings& settings);
  ~ServerTls();
  ServerTls(const ServerTls&) = delete;
  ServerTls& operator=(const ServerTls&) = delete;

  // The same with others for some server names: exact ones, or "*.example.com" for one label more. Clients that ask
  // for another name, or for none, get this one.
  using Names = std::vector<std::pair<std::string, std::shared_ptr<const ServerTls>>>;
  static std::shared_ptr<const ServerTls> with_names(std::shared_ptr<const ServerTls> base,
                                                     Names names);

  // An SSL whose handshake is to be accepted on a socket. This object must live until the handshake has ended. Null
  // without memory.
  SslPtr accept(int fd) const;

  static ClientInfo client_info(const SSL* ssl);

 private:
  ServerTls() = default;
  std::optional<TlsError> load(const ServerTlsSettings& settings);
  bool prepare(SSL_CTX* context, const ServerTlsSettings& settings);
  const ServerTls* for_name(const char* name) const;

  static int on_servername(SSL* ssl, int* alert, void* self);
  static int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                     const unsigned char* in, unsigned in_size, void* self);
  static int on_status(SSL* ssl, void* self);
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int encrypt);

  std::shared_ptr<const TlsConfig> config_;
  SslCtxPtr context_;
  std::string ticket_keys_;
  std::string ocsp_response_;
  Names names_;
  std::shared_ptr<const ServerTls> base_;  // of one with names: whose context this shares
};

}  // namespace vws

#include "engine/tls/server_tls.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <array>
#include <cstring>

#include "engine/base/letter_case.h"
#include "engine/tls/client_context.h"
#include "engine/tls/error_scope.h"
#include "engine/tls/peer_info.h"
#include "engine/tls/verify.h"

namespace vws {

namespace {

// Node's format of a ticket key.
constexpr size_t kKeyName = 16;
constexpr size_t kHmacKey = 16;
constexpr size_t kAesKey = 16;
constexpr size_t kTicketKey = kKeyName + kHmacKey + kAesKey;

using SessionContext = std::array<unsigned char, 32>;

// Servers that share ticket keys resume each other's sessions only where they ask the same of the client: one that was
// let in without a certificate is not let in where one is asked for.
SessionContext session_context(const ServerTlsSettings& settings) {
  std::string what = "verawebsockets";
  if (settings.request_cert) {
    what += settings.base.reject_unauthorized ? "!" : "?";
    what += settings.base.ca.value_or(std::string());
  }
  SessionContext context{};
  EVP_Digest(what.data(), what.size(), context.data(), nullptr, EVP_sha256(), nullptr);
  return context;
}

// The same for the names of one server, which OpenSSL tells apart only after it has resumed a session.
bool resumes_another_name(SSL* ssl, const char* name) {
  if (!SSL_session_reused(ssl)) return false;
  const char* before = SSL_SESSION_get0_hostname(SSL_get0_session(ssl));
  if (!before || !name) return before != name;
  return !same_ignoring_case(before, name);
}

// Where an SSL_CTX has the ServerTls it was made for. Reserved once a process.
int owner_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

const ServerTls* owner_of(const SSL* ssl) {
  return static_cast<const ServerTls*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), owner_index()));
}

// A client's certificate is looked at by the application, which refuses or goes on.
int accept_any_certificate(int, X509_STORE_CTX*) { return 1; }

// "*.example.com" stands for one label.
bool name_matches(const std::string& pattern, const char* name) {
  if (pattern.compare(0, 2, "*.") != 0) return same_ignoring_case(pattern, name);
  const char* dot = std::strchr(name, '.');
  return dot && dot != name && same_ignoring_case(std::string_view(pattern).substr(1), dot);
}

TlsError refused(const char* code, const char* setting, const char* message,
                 const ErrorScope& errors) {
  return {code, setting, message, errors.words()};
}

}  // namespace

ServerTls::~ServerTls() = default;

Result<std::shared_ptr<const ServerTls>> ServerTls::create(const ServerTlsSettings& settings) {
  init_openssl();
  const std::shared_ptr<ServerTls> made(new ServerTls);
  if (auto error = made->load(settings)) return *std::move(error);
  return std::shared_ptr<const ServerTls>(made);
}

std::shared_ptr<const ServerTls> ServerTls::with_names(std::shared_ptr<const ServerTls> base,
                                                       Names names) {
  const std::shared_ptr<ServerTls> made(new ServerTls);
  made->base_ = std::move(base);
  made->names_ = std::move(names);
  return made;
}

std::optional<TlsError> ServerTls::load(const ServerTlsSettings& settings) {
  if (!settings.base.cert && !settings.base.pfx) {
    return TlsError{"ERR_TLS_CERT_INVALID", "cert", "a server over TLS needs cert and key, or pfx",
                    ""};
  }
  if (settings.ticket_keys.size() % kTicketKey != 0) {
    return TlsError{"ERR_TLS_TICKET_KEYS", "ticketKeys", "ticketKeys must be 48 bytes each", ""};
  }
  auto config = TlsConfig::create(settings.base);
  if (!config) return config.error();
  config_ = config.value();
  ticket_keys_ = settings.ticket_keys;
  ocsp_response_ = settings.ocsp_response;

  const ErrorScope errors;
  context_.reset(SSL_CTX_new(TLS_server_method()));
  if (!context_ || !prepare(context_.get(), settings)) {
    return refused("ERR_TLS_OUT_OF_MEMORY", "", "out of memory", errors);
  }
  if (auto error = config_->apply_to_server(context_.get())) return error;
  if (!settings.ecdh_curves.empty() &&
      SSL_CTX_set1_groups_list(context_.get(), settings.ecdh_curves.c_str()) != 1) {
    return refused("ERR_TLS_ECDH_CURVE", "ecdhCurve", "ecdhCurve names no usable curve", errors);
  }
  return std::nullopt;
}

bool ServerTls::prepare(SSL_CTX* context, const ServerTlsSettings& settings) {
  // An idle connection holds no buffers; a write takes what the socket takes, from anywhere. No renegotiation: after
  // the handshake no callback of ours is called any more.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY |
                                SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  if (settings.honor_cipher_order) SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Sessions are resumed by tickets, which cost the server no memory.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, static_cast<long>(settings.session_timeout));
  SSL_CTX_set_tlsext_servername_callback(context, on_servername);
  SSL_CTX_set_alpn_select_cb(context, on_alpn, nullptr);
  if (!ticket_keys_.empty()) SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  if (!ocsp_response_.empty()) SSL_CTX_set_tlsext_status_cb(context, on_status);
  if (settings.request_cert) {
    const bool strict = settings.base.reject_unauthorized;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (strict ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       strict ? nullptr : accept_any_certificate);
  }
  const SessionContext id = session_context(settings);
  return SSL_CTX_set_ex_data(context, owner_index(), this) == 1 &&
         SSL_CTX_set_session_id_context(context, id.data(), static_cast<unsigned>(id.size())) == 1;
}

SslPtr ServerTls::accept(int fd) const {
  SslPtr ssl(SSL_new(base_ ? base_->context_.get() : context_.get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
  // For on_servername() and on_ticket(): whose names, and whose keys.
  SSL_set_app_data(ssl.get(), const_cast<ServerTls*>(this));
  SSL_set_accept_state(ssl.get());
  return ssl;
}

const ServerTls* ServerTls::for_name(const char* name) const {
  for (const auto& [pattern, tls] : names_) {
    if (name_matches(pattern, name)) return tls.get();
  }
  return nullptr;
}

int ServerTls::on_servername(SSL* ssl, int* alert, void*) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const auto* self = static_cast<const ServerTls*>(SSL_get_app_data(ssl));
  const ServerTls* other = name ? self->for_name(name) : nullptr;
  if (other) {
    SSL_set_SSL_CTX(ssl, other->context_.get());
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(other->context_.get()),
                   SSL_CTX_get_verify_callback(other->context_.get()));
  }
  if (SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE && resumes_another_name(ssl, name)) {
    *alert = SSL_AD_ACCESS_DENIED;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  return name ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// The first of ours that the client offers, as Node chooses.
int ServerTls::on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                       const unsigned char* in, unsigned in_size, void*) {
  const ServerTls* self = owner_of(ssl);
  const std::vector<uint8_t>& ours = self->config_->alpn();
  if (ours.empty()) return SSL_TLSEXT_ERR_NOACK;
  const int result = SSL_select_next_proto(const_cast<unsigned char**>(out), out_size, ours.data(),
                                           static_cast<unsigned>(ours.size()), in, in_size);
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int ServerTls::on_status(SSL* ssl, void*) {
  const std::string& response = owner_of(ssl)->ocsp_response_;
  void* copy = OPENSSL_memdup(response.data(), response.size());
  if (!copy) return SSL_TLSEXT_ERR_NOACK;
  // The SSL takes the copy.
  SSL_set_tlsext_status_ocsp_resp(ssl, static_cast<unsigned char*>(copy),
                                  static_cast<long>(response.size()));
  return SSL_TLSEXT_ERR_OK;
}

// Encrypts with the first key, decrypts with any; what an older one encrypted is renewed. The keys are those of the
// server that accepted, as is the SSL_CTX that OpenSSL takes this function from, whatever name was asked for.
int ServerTls::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                         EVP_MAC_CTX* mac, int encrypt) {
  const auto* self = static_cast<const ServerTls*>(SSL_get_app_data(ssl));
  const std::string& keys = self->base_ ? self->base_->ticket_keys_ : self->ticket_keys_;
  const auto* key = reinterpret_cast<const unsigned char*>(keys.data());
  const unsigned char* const end = key + keys.size();
  if (encrypt) {
    std::memcpy(name, key, kKeyName);
    if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) <= 0) return -1;
  } else {
    while (key != end && std::memcmp(name, key, kKeyName) != 0) key += kTicketKey;
    if (key == end) return 0;
  }
  char digest[] = "SHA256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                        const_cast<unsigned char*>(key) + kKeyName, kHmacKey),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  const unsigned char* aes = key + kKeyName + kHmacKey;
  if (EVP_MAC_CTX_set_params(mac, parameters) != 1) return -1;
  const int ready = encrypt ? EVP_EncryptInit_ex(cipher, EVP_aes_128_cbc(), nullptr, aes, iv)
                            : EVP_DecryptInit_ex(cipher, EVP_aes_128_cbc(), nullptr, aes, iv);
  if (ready != 1) return -1;
  const bool newest = key == reinterpret_cast<const unsigned char*>(keys.data());
  return encrypt || newest ? 1 : 2;
}

ClientInfo ServerTls::client_info(const SSL* ssl) {
  ClientInfo info;
  static_cast<TlsFacts&>(info) = tls_facts(ssl);
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) info.servername = name;
  if (info.certificate.empty()) return info;
  const long result = SSL_get_verify_result(ssl);
  info.authorized = result == X509_V_OK;
  if (!info.authorized) info.authorization_error = verify_error_code(static_cast<int>(result));
  return info;
}

}  // namespace vws

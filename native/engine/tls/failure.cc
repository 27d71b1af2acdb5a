#include "engine/tls/failure.h"

#include <openssl/err.h>

#include <cctype>
#include <cerrno>
#include <string>

#include "engine/os/error_names.h"
#include "engine/tls/verify.h"

namespace vws {

namespace {

// Keeps errno for whoever looks at it next.
class ErrnoKeeper {
 public:
  ErrnoKeeper() : value_(errno) {}
  ~ErrnoKeeper() { errno = value_; }
  int value() const { return value_; }

 private:
  int value_;
};

bool has_ended(const SSL* ssl) {
  BIO* reader = SSL_get_rbio(ssl);
  return reader && BIO_eof(reader);
}

// "tlsv1 alert unknown ca" -> "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", as Node makes its codes.
std::string code_of(const char* reason) {
  std::string code = "ERR_SSL_";
  for (const char* at = reason; *at; ++at) {
    const auto c = static_cast<unsigned char>(*at);
    code += isalnum(c) ? static_cast<char>(toupper(c)) : '_';
  }
  return code;
}

// What an alert of the server means, where its name does not say it.
const char* explain_alert(int alert) {
  switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE:
      return "the server accepts none of the ciphers offered, or wants a client certificate";
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_UNKNOWN:
      return "the server does not accept the client certificate";
    case SSL_AD_CERTIFICATE_REVOKED:
      return "the server says that the client certificate is revoked";
    case SSL_AD_CERTIFICATE_EXPIRED:
      return "the server says that the client certificate has expired";
    case SSL_AD_UNKNOWN_CA:
      return "the server does not know who issued the client certificate";
    case SSL_AD_PROTOCOL_VERSION:
      return "the server does not accept the TLS versions offered";
    case SSL_AD_UNRECOGNIZED_NAME:
      return "the server does not know the name asked for";
    case SSL_AD_CERTIFICATE_REQUIRED:
      return "the server wants a client certificate";
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return "the server accepts none of the ALPN protocols offered";
    default:
      return nullptr;
  }
}

// Codes of our own for what a server says of the client's certificate: OpenSSL's names of these alerts have
// changed from version to version. Null for all others.
const char* code_of_alert(int alert) {
  switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE:
      return "ERR_TLS_ALERT_HANDSHAKE_FAILURE";
    case SSL_AD_CERTIFICATE_REQUIRED:
      return "ERR_TLS_CLIENT_CERT_REQUIRED";
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
      return "ERR_TLS_CLIENT_CERT_REFUSED";
    default:
      return nullptr;
  }
}

const char* explain(int reason) {
  if (reason >= SSL_AD_REASON_OFFSET) return explain_alert(reason - SSL_AD_REASON_OFFSET);
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
      return "the server does not speak TLS on this port";
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return "the server speaks no TLS version that is allowed";
    case SSL_R_DH_KEY_TOO_SMALL:
      return "the server uses a weak key";
    default:
      return nullptr;
  }
}

TlsFailure describe_protocol_error() {
  const char* data = nullptr;
  int flags = 0;
  const unsigned long error = ERR_peek_error_data(&data, &flags);
  const char* reason = ERR_reason_error_string(error);
  if (!reason) return {"ERR_SSL_UNKNOWN", "error " + std::to_string(error)};
  TlsFailure failure{code_of(reason), reason};
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return failure;
  const int number = ERR_GET_REASON(error);
  if (number >= SSL_AD_REASON_OFFSET) {
    failure.from_peer = true;
    if (const char* own = code_of_alert(number - SSL_AD_REASON_OFFSET)) failure.code = own;
  }
  if (const char* meaning = explain(number)) failure.detail.append(": ").append(meaning);
  return failure;
}

bool is_truncation() {
  const unsigned long error = ERR_peek_error();
  return ERR_GET_LIB(error) == ERR_LIB_SSL &&
         ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

}  // namespace

TlsStatus tls_status(const SSL* ssl, int result) {
  if (result > 0) return TlsStatus::kOk;
  if (const unsigned long error = ERR_peek_error()) {
    if (is_truncation()) return TlsStatus::kEof;
    return ERR_SYSTEM_ERROR(error) ? TlsStatus::kSyscall : TlsStatus::kProtocol;
  }
  if (SSL_want_read(ssl) && BIO_should_read(SSL_get_rbio(ssl))) return TlsStatus::kWantRead;
  if (SSL_want_write(ssl) && BIO_should_write(SSL_get_wbio(ssl))) return TlsStatus::kWantWrite;
  if (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) return TlsStatus::kClosed;
  return has_ended(ssl) ? TlsStatus::kEof : TlsStatus::kSyscall;
}

TlsFailure describe_io_failure(const SSL* ssl) {
  const ErrnoKeeper keeper;
  switch (tls_status(ssl, -1)) {
    case TlsStatus::kProtocol:
      return describe_protocol_error();
    case TlsStatus::kClosed:
      return {"ECONNRESET", "the server ended the TLS connection"};
    case TlsStatus::kEof:
      return {"ECONNRESET", "the server ended the connection"};
    default:
      if (keeper.value() == 0) return {"ECONNRESET", "the server ended the connection"};
      return {errno_name(keeper.value()), errno_text(keeper.value())};
  }
}

TlsFailure describe_handshake_failure(const SSL* ssl, const TlsVerdict& verdict) {
  if (verdict.refused()) return verdict.failure();
  TlsFailure failure = describe_io_failure(ssl);
  if (failure.code == "ECONNRESET") failure.detail += " during the TLS handshake";
  return failure;
}

}  // namespace vws

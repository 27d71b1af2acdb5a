#pragma once

#include <string>
#include <utility>
#include <variant>

namespace vws {

// Why settings cannot be used. Codes are stable; the message names the setting.
struct TlsError {
  std::string code;     // "ERR_TLS_KEY_MISMATCH"
  std::string setting;  // of TlsSettings, under its JavaScript name: "key", "minVersion"
  std::string message;  // "key does not match the certificate in cert"
  std::string detail;   // OpenSSL's words, where there are any
};

// Why a connection is not to be trusted, or a handshake failed, or an established connection broke.
// Codes are those of Node.js where it has one.
struct TlsFailure {
  std::string code;        // "CERT_HAS_EXPIRED", "ERR_SSL_WRONG_VERSION_NUMBER", "ECONNRESET"
  std::string detail;      // "certificate has expired"
  bool from_peer = false;  // the server says so, by an alert
  explicit operator bool() const { return !code.empty(); }
};

// A value, or why there is none.
template <typename T>
class Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(TlsError error) : state_(std::move(error)) {}
  explicit operator bool() const { return std::holds_alternative<T>(state_); }
  T& value() { return std::get<T>(state_); }
  const TlsError& error() const { return std::get<TlsError>(state_); }

 private:
  std::variant<T, TlsError> state_;
};

}  // namespace vws

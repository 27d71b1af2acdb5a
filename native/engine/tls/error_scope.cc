#include "engine/tls/error_scope.h"

#include <openssl/err.h>

namespace vws {

namespace {

std::string text_of(unsigned long error, const char* data, int flags) {
  if (error == 0) return std::string();
  const char* reason = ERR_reason_error_string(error);
  std::string text = reason ? reason : "error " + std::to_string(error);
  if (data && (flags & ERR_TXT_STRING) && *data) text.append(" (").append(data).append(")");
  return text;
}

}  // namespace

ErrorScope::ErrorScope() { ERR_clear_error(); }

ErrorScope::~ErrorScope() { ERR_clear_error(); }

std::string ErrorScope::words() const {
  const char* data = nullptr;
  int flags = 0;
  const unsigned long first = ERR_peek_error_data(&data, &flags);
  std::string text = text_of(first, data, flags);
  const unsigned long last = ERR_peek_last_error_data(&data, &flags);
  if (last == first) return text;
  const std::string consequence = text_of(last, data, flags);
  return consequence == text ? text : text + ": " + consequence;
}

bool ErrorScope::take(int library, int reason) const {
  bool found = false;
  while (const unsigned long error = ERR_get_error()) {
    found = found || (ERR_GET_LIB(error) == library && ERR_GET_REASON(error) == reason);
  }
  return found;
}

}  // namespace vws

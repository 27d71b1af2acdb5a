#pragma once

#include <string>
#include <string_view>

namespace vws {

// A client's offer of permessage-deflate (RFC 7692 §7.1).
struct DeflateOffer {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  int server_max_window_bits = 0;  // 8 to 15; 0: not offered
  int client_max_window_bits = 0;  // 8 to 15; 1: offered without a value; 0: not offered
};

// The value of the Sec-WebSocket-Extensions header of a request.
std::string build_deflate_offer(const DeflateOffer& offer);

// What is in force on a connection.
struct Negotiated {
  bool on = false;
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  int server_max_window_bits = 15;
  int client_max_window_bits = 15;
};

struct ExtensionError {
  const char* code = "";  // stable
  std::string message;
  bool out_of_range = false;  // a value that is a number, but not one of those allowed
};

// Reads the value of the response's Sec-WebSocket-Extensions header (several lines joined by ", ";
// empty: no header). offer null: no extension was offered. False, with *error, if the connection
// must be failed (RFC 6455 §9.1, RFC 7692 §7.1).
bool parse_extension_response(std::string_view header, const DeflateOffer* offer,
                              Negotiated* negotiated, ExtensionError* error);

}  // namespace vws

#include "engine/ws/extension.h"

#include <algorithm>

namespace vws {

namespace {

constexpr const char* kName = "permessage-deflate";

// RFC 7230 §3.2.6, tchar.
bool is_token_char(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// Reads the grammar of RFC 6455 §9.1:
//   extension-list = 1#(extension-token *(";" token ["=" (token / quoted-string)]))
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  void skip_space() {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // Empty if there is none here.
  std::string_view token() {
    const size_t begin = at_;
    while (!at_end() && is_token_char(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  // After the opening quote. "When using the quoted-string syntax variant, the value after
  // quoted-string unescaping MUST conform to the 'token' ABNF."
  bool quoted(std::string* value) {
    while (!at_end()) {
      char c = text_[at_++];
      if (c == '"') return !value->empty();
      if (c == '\\') {
        if (at_end()) return false;
        c = text_[at_++];
      }
      if (!is_token_char(c)) return false;
      value->push_back(c);
    }
    return false;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

// "8" to "15", "a decimal integer value without leading zeroes" (RFC 7692 §7.1.2); else 0.
int window_bits(std::string_view value) {
  if (value == "8") return 8;
  if (value == "9") return 9;
  if (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5') {
    return 10 + value[1] - '0';
  }
  return 0;
}

struct Parameter {
  std::string_view name;
  bool has_value = false;
  std::string value;
};

// What a message shows of the server's words: short, and without anything that could spoil a log.
std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 64)) out += c >= ' ' && c <= '~' ? c : '?';
  return out + (text.size() > 64 ? "...\"" : "\"");
}

// Reads one response. Errors are kept where they are found first.
class ResponseParser {
 public:
  ResponseParser(std::string_view header, const DeflateOffer* offer, Negotiated* out,
                 ExtensionError* error)
      : scanner_(header), header_(header), offer_(offer), out_(out), error_(error) {}

  bool run() {
    *out_ = Negotiated{};
    scanner_.skip_space();
    if (scanner_.at_end()) {
      // RFC 7230 §3.2: no header line at all; one that is there and empty says the same.
      return true;
    }
    for (;;) {
      // §7 of RFC 7230: a recipient must accept empty list elements.
      while (scanner_.take(',')) scanner_.skip_space();
      if (scanner_.at_end()) break;
      if (!extension()) return false;
      scanner_.skip_space();
      if (scanner_.at_end()) break;
      if (!scanner_.take(',')) return syntax();
      scanner_.skip_space();
    }
    if (!any_) return syntax();
    return true;
  }

 private:
  bool fail(const char* code, std::string message) {
    *out_ = Negotiated{};
    error_->code = code;
    error_->message = std::move(message);
    return false;
  }
  bool syntax() {
    return fail("ERR_WS_EXTENSION_SYNTAX",
                "The server's Sec-WebSocket-Extensions header is malformed: " + shown(header_));
  }

  bool extension() {
    const std::string_view name = scanner_.token();
    if (name.empty()) return syntax();
    any_ = true;
    if (!equal_ignoring_case(name, kName) || offer_ == nullptr) {
      return fail("ERR_WS_EXTENSION_UNEXPECTED", "The server answered with the extension " +
                                                     shown(name) + ", which was not offered");
    }
    if (out_->on) {
      return fail("ERR_WS_EXTENSION_DUPLICATE",
                  "The server answered with permessage-deflate more than once");
    }
    out_->on = true;
    // A client that offers a size keeps to it even if the server does not repeat it (§7.1.2.2).
    if (offer_->client_max_window_bits >= 8) {
      out_->client_max_window_bits = offer_->client_max_window_bits;
    }
    // And likewise with no context takeover, which a client may always do without being told.
    out_->client_no_context_takeover = offer_->client_no_context_takeover;
    for (;;) {
      scanner_.skip_space();
      if (!scanner_.take(';')) return true;
      scanner_.skip_space();
      Parameter parameter;
      parameter.name = scanner_.token();
      if (parameter.name.empty()) return syntax();
      scanner_.skip_space();
      if (scanner_.take('=')) {
        scanner_.skip_space();
        parameter.has_value = true;
        if (scanner_.take('"')) {
          if (!scanner_.quoted(&parameter.value)) return syntax();
        } else {
          parameter.value = scanner_.token();
          if (parameter.value.empty()) return syntax();
        }
      }
      if (!apply(parameter)) return false;
    }
  }

  bool apply(const Parameter& parameter) {
    if (equal_ignoring_case(parameter.name, "server_no_context_takeover")) {
      if (!first(0, parameter) || !no_value(parameter)) return false;
      out_->server_no_context_takeover = true;
      return true;
    }
    if (equal_ignoring_case(parameter.name, "client_no_context_takeover")) {
      if (!first(1, parameter) || !no_value(parameter)) return false;
      out_->client_no_context_takeover = true;
      return true;
    }
    if (equal_ignoring_case(parameter.name, "server_max_window_bits")) {
      int bits = 0;
      if (!first(2, parameter) || !bits_value(parameter, &bits)) return false;
      if (offer_->server_max_window_bits != 0 && bits > offer_->server_max_window_bits) {
        return too_large(parameter, offer_->server_max_window_bits);
      }
      out_->server_max_window_bits = bits;
      return true;
    }
    if (equal_ignoring_case(parameter.name, "client_max_window_bits")) {
      int bits = 0;
      if (!first(3, parameter)) return false;
      if (offer_->client_max_window_bits == 0) {
        return fail("ERR_WS_EXTENSION_PARAMETER_UNEXPECTED",
                    "The server's permessage-deflate answer has client_max_window_bits, which was "
                    "not offered");
      }
      if (!bits_value(parameter, &bits)) return false;
      if (offer_->client_max_window_bits >= 8 && bits > offer_->client_max_window_bits) {
        return too_large(parameter, offer_->client_max_window_bits);
      }
      out_->client_max_window_bits = bits;
      return true;
    }
    return fail(
        "ERR_WS_EXTENSION_PARAMETER_UNKNOWN",
        "The server's permessage-deflate answer has an unknown parameter " + shown(parameter.name));
  }

  bool first(unsigned which, const Parameter& parameter) {
    if ((seen_ & (1u << which)) != 0) {
      return fail("ERR_WS_EXTENSION_PARAMETER_DUPLICATE",
                  "The server's permessage-deflate answer has the parameter " +
                      shown(parameter.name) + " more than once");
    }
    seen_ |= 1u << which;
    return true;
  }
  bool no_value(const Parameter& parameter) { return !parameter.has_value || bad_value(parameter); }
  bool bits_value(const Parameter& parameter, int* bits) {
    *bits = window_bits(parameter.value);
    if (*bits != 0) return true;
    const std::string& value = parameter.value;
    error_->out_of_range = !value.empty() && value[0] != '0' &&
                           value.find_first_not_of("0123456789") == std::string::npos;
    return bad_value(parameter);
  }
  bool bad_value(const Parameter& parameter) {
    return fail("ERR_WS_EXTENSION_PARAMETER_VALUE",
                "The server's permessage-deflate answer has an invalid value for the parameter " +
                    shown(parameter.name) + ": " +
                    (parameter.has_value ? shown(parameter.value) : "none"));
  }
  bool too_large(const Parameter& parameter, int offered) {
    return fail("ERR_WS_EXTENSION_PARAMETER_TOO_LARGE",
                "The server's permessage-deflate answer has " + std::string(parameter.name) + "=" +
                    parameter.value + ", more than the " + std::to_string(offered) + " offered");
  }

  Scanner scanner_;
  std::string_view header_;
  const DeflateOffer* offer_;
  Negotiated* out_;
  ExtensionError* error_;
  unsigned seen_ = 0;
  bool any_ = false;
};

}  // namespace

std::string build_deflate_offer(const DeflateOffer& offer) {
  std::string value = kName;
  if (offer.server_no_context_takeover) value += "; server_no_context_takeover";
  if (offer.client_no_context_takeover) value += "; client_no_context_takeover";
  if (offer.server_max_window_bits >= 8) {
    value += "; server_max_window_bits=" + std::to_string(offer.server_max_window_bits);
  }
  if (offer.client_max_window_bits != 0) value += "; client_max_window_bits";
  if (offer.client_max_window_bits >= 8)
    value += "=" + std::to_string(offer.client_max_window_bits);
  return value;
}

bool parse_extension_response(std::string_view header, const DeflateOffer* offer,
                              Negotiated* negotiated, ExtensionError* error) {
  return ResponseParser(header, offer, negotiated, error).run();
}

}  // namespace vws

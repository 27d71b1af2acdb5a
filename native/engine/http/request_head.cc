#include "engine/http/request_head.h"

#include <algorithm>
#include <cstring>

#include "engine/base/letter_case.h"
#include "engine/http/white_space.h"

namespace vws {

namespace {

// RFC 9110 §5.6.2.
bool is_token_char(uint8_t c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != 0 && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr;
}

bool is_token(const std::string& text, size_t begin, size_t end) {
  return begin < end && std::all_of(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                    text.begin() + static_cast<std::ptrdiff_t>(end),
                                    [](char c) { return is_token_char(static_cast<uint8_t>(c)); });
}

// Whether the header line whose name ends at the colon has that name.
bool is_header(const std::string& text, size_t begin, size_t colon, const char* name) {
  return same_ignoring_case(std::string_view(text).substr(begin, colon - begin), name);
}

// Whether a comma-separated list has "upgrade", in whatever case.
bool lists_upgrade(const std::string& list) {
  for (size_t begin = 0; begin <= list.size();) {
    const size_t comma = std::min(list.find(',', begin), list.size());
    if (same_ignoring_case(trimmed(list, begin, comma), "upgrade")) return true;
    begin = comma + 1;
  }
  return false;
}

// "HTTP/1.0" or "HTTP/1.1".
constexpr char kVersion[] = "HTTP/1.";
constexpr size_t kVersionSize = sizeof kVersion;  // with the digit

}  // namespace

RequestHead::State RequestHead::feed(const uint8_t* data, size_t size, size_t* used) {
  size_t i = 0;
  while (i < size && state_ == State::kMore) state_ = take(data[i++]);
  *used = i;
  return state_;
}

RequestHead::State RequestHead::take(uint8_t byte) {
  if (text_.size() + skipped_ >= limits_.bytes) {
    return bad(431, "the request's head is longer than the limit");
  }
  if (byte == '\n') {
    if (!after_cr_) return bad(400, "a line of the request's head ends without CR");
    after_cr_ = false;
    text_ += '\n';
    return end_line();
  }
  if (after_cr_) return bad(400, "a CR in the request's head is not followed by LF");
  if (byte == '\r') {
    after_cr_ = true;
  } else if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
    return bad(400, "the request's head contains a control character");
  } else if (headers_at_ == 0 && method_size_ == 0) {
    // What is no HTTP at all is told at its first bytes.
    if (byte == ' ' && !text_.empty()) {
      method_size_ = text_.size();
    } else if (!is_token_char(byte)) {
      return bad(400, "the request's method is malformed");
    }
  }
  text_ += static_cast<char>(byte);
  return State::kMore;
}

RequestHead::State RequestHead::end_line() {
  const size_t end = text_.size() - 2;  // before CRLF
  State state = State::kMore;
  if (headers_at_ != 0) {
    if (end == line_start_) {
      text_.resize(end);  // the empty line is no header
      return end_head();
    }
    state = end_header_line(end);
  } else if (end == 0) {
    // RFC 9112 §2.2: empty lines before the request line are ignored.
    text_.clear();
    skipped_ += 2;
    return State::kMore;
  } else {
    state = end_request_line(end);
    headers_at_ = text_.size();
  }
  line_start_ = text_.size();
  return state;
}

RequestHead::State RequestHead::end_request_line(size_t end) {
  if (method_size_ == 0) return bad(400, "the request line is malformed");
  target_at_ = method_size_ + 1;
  const size_t space = text_.find(' ', target_at_);
  if (space == std::string::npos || space == target_at_ || space >= end) {
    return bad(400, "the request line is malformed");
  }
  target_size_ = space - target_at_;
  if (text_.find('\t') < end) return bad(400, "the request line is malformed");
  const size_t version = space + 1;
  if (end - version != kVersionSize || text_.compare(version, kVersionSize - 1, kVersion) != 0) {
    return bad(400, "the request is not HTTP/1.x");
  }
  const char digit = text_[end - 1];
  if (digit != '0' && digit != '1') return bad(400, "the request is not HTTP/1.0 or HTTP/1.1");
  minor_version_ = digit - '0';
  return State::kMore;
}

RequestHead::State RequestHead::end_header_line(size_t end) {
  if (++lines_ > limits_.headers) return bad(431, "the request has more headers than the limit");
  const size_t colon = text_.find(':', line_start_);
  // A folded line begins with white space, which no token does.
  if (colon == std::string::npos || colon >= end || !is_token(text_, line_start_, colon)) {
    return bad(400, "a header of the request is malformed");
  }
  if (is_header(text_, line_start_, colon, "host")) {
    ++hosts_;
  } else if (is_header(text_, line_start_, colon, "upgrade")) {
    names_protocol_ = true;
  } else if (is_header(text_, line_start_, colon, "connection")) {
    connection_upgrade_ |= lists_upgrade(trimmed(text_, colon + 1, end));
  } else if (is_header(text_, line_start_, colon, "transfer-encoding")) {
    has_body_ = true;
  } else if (is_header(text_, line_start_, colon, "content-length")) {
    has_body_ |= trimmed(text_, colon + 1, end) != "0";
  }
  return State::kMore;
}

RequestHead::State RequestHead::end_head() {
  // RFC 9112 §3.2.
  if (hosts_ > 1) return bad(400, "the request has several Host headers");
  if (hosts_ == 0 && minor_version_ > 0) return bad(400, "the request has no Host header");
  // Others would read the body's bytes as frames, or frames as a body.
  if (asks_for_upgrade() && has_body_) return bad(400, "a request to upgrade has a body");
  return State::kDone;
}

RequestHead::State RequestHead::bad(int status, const char* problem) {
  status_ = status;
  problem_ = problem;
  return State::kBad;
}

}  // namespace vws

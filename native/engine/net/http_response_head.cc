#include "engine/net/http_response_head.h"

#include <strings.h>

#include <algorithm>
#include <cstring>

#include "engine/net/tunnel_base.h"

namespace vws {

namespace {

// As much as Node lets a response head be.
constexpr size_t kMaxHead = 16 * 1024;

constexpr char kVersion[] = "HTTP/1.";
constexpr size_t kVersionLength = sizeof kVersion - 1;

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

std::string trim(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return std::string();
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

HttpResponseHead::State HttpResponseHead::feed(const char* data, size_t size, size_t* used) {
  for (size_t i = 0; i < size; ++i) {
    const State state = take(data[i]);
    if (state != State::kMore) {
      *used = i + 1;
      return state;
    }
  }
  *used = size;
  return State::kMore;
}

HttpResponseHead::State HttpResponseHead::take(char byte) {
  if (++total_ > kMaxHead) {
    return bad("its answer's head is longer than " + std::to_string(kMaxHead) + " bytes");
  }
  text_ += byte;
  if (byte == '\0') return bad("its answer's head contains a NUL byte");
  // What is no HTTP is told at its first byte, rather than when the peer has nothing more to say.
  if (text_.size() <= kVersionLength && byte != kVersion[text_.size() - 1]) {
    return bad("its answer is not HTTP/1.x: " + printable(text_));
  }
  return byte == '\n' ? end_line() : State::kMore;
}

HttpResponseHead::State HttpResponseHead::end_line() {
  size_t end = text_.size() - 1;
  if (end > line_start_ && text_[end - 1] == '\r') --end;
  const std::string line = text_.substr(line_start_, end - line_start_);
  line_start_ = text_.size();
  if (status_ == 0) return parse_status_line(line);
  if (!line.empty()) {
    const size_t colon = line.find_first_of(": \t");
    const bool folded = line[0] == ' ' || line[0] == '\t';
    if (!folded && (colon == std::string::npos || colon == 0 || line[colon] != ':')) {
      return bad("its answer has a malformed header: " + printable(line));
    }
    return State::kMore;
  }
  if (status_ >= 200) return State::kDone;
  // An interim response: the final one follows.
  text_.clear();
  line_start_ = 0;
  status_ = 0;
  return State::kMore;
}

// "HTTP/1.1 200 Connection established"; the text, and the space before it, may be missing.
HttpResponseHead::State HttpResponseHead::parse_status_line(const std::string& line) {
  const size_t code = kVersionLength + 2;
  const bool well_formed = line.size() >= code + 3 && is_digit(line[kVersionLength]) &&
                           line[code - 1] == ' ' && line[code] != '0' &&
                           std::all_of(&line[code], &line[code] + 3, is_digit) &&
                           (line.size() == code + 3 || line[code + 3] == ' ');
  if (!well_formed) return bad("its answer has a malformed status line: " + printable(line));
  status_ = std::stoi(line.substr(code, 3));
  status_text_ = trim(line.substr(code + 3));
  return State::kMore;
}

std::string HttpResponseHead::header(const std::string& name) const {
  size_t start = text_.find('\n') + 1;
  for (size_t end; (end = text_.find('\n', start)) != std::string::npos; start = end + 1) {
    std::string line = text_.substr(start, end - start);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.c_str(), name.c_str(), name.size()) == 0) {
      return trim(line.substr(name.size() + 1));
    }
  }
  return std::string();
}

HttpResponseHead::State HttpResponseHead::bad(const std::string& problem) {
  problem_ = problem;
  return State::kBad;
}

}  // namespace vws

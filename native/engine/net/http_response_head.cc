#include "engine/net/http_response_head.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "engine/base/letter_case.h"
#include "engine/net/tunnel_base.h"

namespace vws {

namespace {

// "HTTP/1.1 200": what must be a digit is one here.
constexpr char kStatusStart[] = "HTTP/1.1 200";
constexpr size_t kMinorVersion = 7;
constexpr size_t kCode = 9;
constexpr size_t kStatusStartLength = sizeof kStatusStart - 1;

constexpr char kLineEnd[] = "\r\n";
constexpr size_t kLineEndLength = sizeof kLineEnd - 1;

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

bool is_space(char byte) { return byte == ' ' || byte == '\t'; }

// RFC 9110 §5.5: what no field value and no reason phrase may contain.
bool is_control(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return (value < ' ' && byte != '\t') || value == 0x7f;
}

// RFC 9110 §5.6.2.
bool is_token(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value > ' ' && value < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", byte);
}

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
  if (++size_ > kMaxSize) {
    return bad(Fault::kTooLong,
               "has a header that is longer than " + std::to_string(kMaxSize) + " bytes");
  }
  if (after_cr_) {
    if (byte != '\n') return bad_line(byte);
    after_cr_ = false;
    return at_ == At::kLineStart ? end_head() : end_line();
  }
  // Only whole lines end: neither within the status nor within a name.
  if (byte == '\r' && at_ != At::kName &&
      (at_ != At::kStatusLine || status_line_.size() == kStatusStartLength)) {
    after_cr_ = true;
    return State::kMore;
  }
  if (is_control(byte)) return bad_line(byte);
  switch (at_) {
    case At::kStatusLine:
      return take_status(byte);
    case At::kStatusText:
      status_line_ += byte;
      return State::kMore;
    case At::kLineStart:
      if (is_space(byte) && !fields_.empty()) {
        // §5.2: it goes on the line before.
        fields_.resize(fields_.size() - kLineEndLength);
        line_start_ = last_start_;
        fields_ += byte;
        at_ = At::kValue;
        return State::kMore;
      }
      at_ = At::kName;
      return take_name(byte);
    case At::kName:
      return take_name(byte);
    case At::kValue:
      fields_ += byte;
      return State::kMore;
  }
  return State::kMore;
}

// "HTTP/1.1 200 OK"; the text, and the space before it, may be missing.
HttpResponseHead::State HttpResponseHead::take_status(char byte) {
  const size_t index = status_line_.size();
  bool right = false;
  if (index == kStatusStartLength) {
    right = byte == ' ';
    at_ = At::kStatusText;
  } else if (index >= kCode) {
    right = is_digit(byte) && (index > kCode || byte != '0');
  } else if (index == kMinorVersion && versions_ == Versions::kAny) {
    right = is_digit(byte);
  } else {
    right = byte == kStatusStart[index];
  }
  if (!right) return bad_line(byte);
  status_line_ += byte;
  return State::kMore;
}

HttpResponseHead::State HttpResponseHead::take_name(char byte) {
  if (byte == ':' && fields_.size() > line_start_) {
    at_ = At::kValue;
  } else if (!is_token(byte)) {
    return bad_line(byte);
  }
  fields_ += byte;
  return State::kMore;
}

HttpResponseHead::State HttpResponseHead::end_line() {
  if (at_ == At::kStatusLine || at_ == At::kStatusText) {
    status_ = std::stoi(status_line_.substr(kCode, kStatusStartLength - kCode));
    status_text_ = trim(status_line_.substr(kStatusStartLength));
  } else {
    fields_ += kLineEnd;
    last_start_ = line_start_;
    line_start_ = fields_.size();
  }
  at_ = At::kLineStart;
  return State::kMore;
}

HttpResponseHead::State HttpResponseHead::end_head() {
  if (!fields_.empty()) fields_.resize(fields_.size() - kLineEndLength);
  if (status_ >= 200 || status_ == 101) return State::kDone;
  if (++interim_ > kMaxInterim) {
    return bad(Fault::kTooLong,
               "has more than " + std::to_string(kMaxInterim) + " interim responses before it");
  }
  at_ = At::kStatusLine;
  size_ = 0;
  status_line_.clear();
  fields_.clear();
  line_start_ = 0;
  last_start_ = 0;
  status_ = 0;
  status_text_.clear();
  return State::kMore;
}

std::string HttpResponseHead::header(const std::string& name) const {
  for (size_t start = 0; start < fields_.size();) {
    const size_t end = std::min(fields_.find(kLineEnd, start), fields_.size());
    if (end - start > name.size() && fields_[start + name.size()] == ':' &&
        same_ignoring_case(std::string_view(fields_).substr(start, name.size()), name)) {
      const size_t value = start + name.size() + 1;
      return trim(fields_.substr(value, end - value));
    }
    start = end + kLineEndLength;
  }
  return std::string();
}

HttpResponseHead::State HttpResponseHead::bad(Fault fault, const std::string& problem) {
  fault_ = fault;
  problem_ = problem;
  return State::kBad;
}

// The byte has no place where it stands.
HttpResponseHead::State HttpResponseHead::bad_line(char byte) {
  const bool in_status = at_ == At::kStatusLine || at_ == At::kStatusText;
  std::string line =
      in_status ? status_line_ : fields_.substr(std::min(line_start_, fields_.size()));
  if (after_cr_) line += '\r';
  line += byte;
  if (in_status && line.size() <= kMinorVersion + 1) {
    const char* wanted = versions_ == Versions::kAny ? "is not HTTP/1.x: " : "is not HTTP/1.1: ";
    return bad(Fault::kStatusLine, wanted + printable(line));
  }
  std::string why = ": ";
  if (byte == '\0') {
    why = ", with a NUL: ";
  } else if (byte == '\n' && !after_cr_) {
    why = ", which ends without CR: ";
  } else if (after_cr_) {
    why = ", with a CR in it: ";
  }
  return bad(in_status ? Fault::kStatusLine : Fault::kField,
             (in_status ? "has a malformed status line" : "has a malformed header line") + why +
                 printable(line));
}

}  // namespace vws

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace vws {

// The head of an HTTP/1.x request (RFC 9112 §3 to §5), taken in piece by piece: each byte is looked at once, however
// the bytes are cut. Strict where leniency has led to request smuggling: lines end with CRLF, header lines are not
// folded, names are tokens directly before their colon, and no control character passes. Belongs to one thread.
class RequestHead {
 public:
  struct Limits {
    size_t bytes = 16 * 1024;  // of the whole head
    size_t headers = 200;      // header lines
  };
  enum class State { kMore, kDone, kBad };

  explicit RequestHead(Limits limits) : limits_(limits) {}

  // Takes bytes up to the end of the head, and says in used how many those were. After kDone or kBad: nothing more.
  State feed(const uint8_t* data, size_t size, size_t* used);

  bool empty() const { return text_.empty(); }

  // After kDone. The request target as it was sent.
  std::string method() const { return text_.substr(0, method_size_); }
  std::string target() const { return text_.substr(target_at_, target_size_); }
  int minor_version() const { return minor_version_; }
  // The raw lines, "Name: value", each with its CRLF; values with the white space around them.
  std::string headers() const { return text_.substr(headers_at_); }
  // Whether the client asks for another protocol: it names one, and "upgrade" among its connection options. Then the
  // request has no body: what follows is that protocol's.
  bool asks_for_upgrade() const { return names_protocol_ && connection_upgrade_; }

  // After kBad: the status to answer with (400 or 431), and what is wrong.
  int status() const { return status_; }
  const char* problem() const { return problem_; }
  // Which limit, if the status is 431.
  bool has_too_many_headers() const { return lines_ > limits_.headers; }

 private:
  State take(uint8_t byte);
  State end_line();
  State end_request_line(size_t end);
  State end_header_line(size_t end);
  State end_head();
  State bad(int status, const char* problem);

  const Limits limits_;
  std::string text_;
  size_t line_start_ = 0;
  size_t skipped_ = 0;  // empty lines before the request line
  size_t lines_ = 0;    // header lines
  size_t method_size_ = 0;
  size_t target_at_ = 0;
  size_t target_size_ = 0;
  size_t headers_at_ = 0;  // 0: the request line has not ended
  int minor_version_ = 0;
  int hosts_ = 0;  // Host headers
  bool names_protocol_ = false;
  bool connection_upgrade_ = false;
  bool has_body_ = false;
  bool after_cr_ = false;
  State state_ = State::kMore;
  int status_ = 0;
  const char* problem_ = "";
};

}  // namespace vws

#pragma once

#include <cstddef>
#include <string>

namespace vws {

// The head of an HTTP/1.x response, status line to empty line, taken in piece by piece (RFC 9112 §2 to §5). Interim
// responses (RFC 9110 §15.2: 1xx but 101, which is final) are passed over.
//
// What is malformed is told at its first wrong byte, so that nobody waits for the rest of it: a line that
// ends without CR, a CR within a line, NUL and other control characters, a name that is no token. The one
// leniency is that of §5.2: a line that begins with white space goes on the one before.
class HttpResponseHead {
 public:
  enum class State { kMore, kDone, kBad };
  enum class Fault { kNone, kStatusLine, kField, kTooLong };
  enum class Versions { kAny, kOnly11 };

  // As much as Node lets a response head be.
  static constexpr size_t kMaxSize = 16 * 1024;
  // Interim responses before the final one; each at most kMaxSize.
  static constexpr size_t kMaxInterim = 32;

  explicit HttpResponseHead(Versions versions) : versions_(versions) {}

  // Takes bytes up to the end of the head, and says in used how many those were.
  State feed(const char* data, size_t size, size_t* used);

  // After kDone; after kBad what was understood before. 0: no whole status line.
  int status() const { return status_; }
  const std::string& status_text() const { return status_text_; }
  // The field lines, "Name: value", separated by CRLF.
  const std::string& fields() const { return fields_; }
  // The first header of this name, without surrounding space; empty if there is none.
  std::string header(const std::string& name) const;

  // After kBad: what is wrong; to be read behind "the response".
  Fault fault() const { return fault_; }
  const std::string& problem() const { return problem_; }

 private:
  enum class At { kStatusLine, kStatusText, kLineStart, kName, kValue };

  State take(char byte);
  State take_status(char byte);
  State take_name(char byte);
  State end_line();
  State end_head();
  State bad(Fault fault, const std::string& problem);
  State bad_line(char byte);

  Versions versions_;
  At at_ = At::kStatusLine;
  bool after_cr_ = false;
  size_t size_ = 0;     // bytes taken of this response
  size_t interim_ = 0;  // responses passed over
  std::string status_line_;
  std::string fields_;
  size_t line_start_ = 0;  // in fields_
  size_t last_start_ = 0;  // of the line before
  int status_ = 0;
  std::string status_text_;
  Fault fault_ = Fault::kNone;
  std::string problem_;
};

}  // namespace vws

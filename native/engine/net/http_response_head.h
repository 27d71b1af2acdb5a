#pragma once

#include <cstddef>
#include <string>

namespace vws {

// The head of an HTTP/1.x response, status line to empty line, taken in piece by piece. Interim
// responses (1xx) are passed over. Knows just enough to judge an answer to CONNECT.
class HttpResponseHead {
 public:
  enum class State { kMore, kDone, kBad };

  // Takes bytes up to the end of the head, and says in used how many those were.
  State feed(const char* data, size_t size, size_t* used);

  // After kDone.
  int status() const { return status_; }
  const std::string& status_text() const { return status_text_; }
  // The first header of this name, without surrounding space; empty if there is none.
  std::string header(const std::string& name) const;

  // After kBad: what is wrong.
  const std::string& problem() const { return problem_; }

 private:
  State take(char byte);
  State end_line();
  State parse_status_line(const std::string& line);
  State bad(const std::string& problem);

  std::string text_;       // so far, of this response
  size_t line_start_ = 0;  // in text_
  size_t total_ = 0;       // bytes taken, interim responses included
  int status_ = 0;         // 0: the status line has not come yet
  std::string status_text_;
  std::string problem_;
};

}  // namespace vws

#pragma once

#include <string>

namespace vws {

// OpenSSL's error queue of this thread, for the length of a scope: empty at its beginning and at
// its end.
class ErrorScope {
 public:
  ErrorScope();
  ~ErrorScope();
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;

  // What OpenSSL had to say: the root cause, and the last consequence if that is another.
  std::string words() const;
  // Whether any of the errors has this library and reason. Empties the queue.
  bool take(int library, int reason) const;
};

}  // namespace vws

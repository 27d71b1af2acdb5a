#include "engine/net/connect_error.h"

#include <algorithm>
#include <cerrno>

#include "engine/os/error_names.h"

namespace vws {

namespace {

// The higher, the more it says about the target rather than about the way to it.
int weight(int error) {
  switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOENT:
      return 5;  // the target's own answer
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return 4;  // this process is at its limit, whatever the address
    case EACCES:
    case EPERM:
      return 3;
    case ETIMEDOUT:
      return 3;
    case EHOSTUNREACH:
    case EHOSTDOWN:
      return 2;
    case ENETUNREACH:
    case ENETDOWN:
      return 1;
    case EAFNOSUPPORT:
      return 0;  // an IP version that this machine does not have
    default:
      return 3;
  }
}

}  // namespace

const AttemptError& most_telling(const std::vector<AttemptError>& attempts) {
  const auto says_less = [](const AttemptError& a, const AttemptError& b) {
    return weight(a.error) < weight(b.error);
  };
  return *std::max_element(attempts.begin(), attempts.end(), says_less);
}

}  // namespace vws

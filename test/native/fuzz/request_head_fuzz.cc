// The request parser must say the same of the same bytes however they are cut, and take no byte twice.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cpu_limit.h"
#include "engine/http/request_head.h"

namespace {

std::string parse(const uint8_t* data, size_t size, size_t piece) {
  vws::RequestHead::Limits limits;
  limits.bytes = 512;
  limits.headers = 8;
  vws::RequestHead head(limits);
  size_t at = 0;
  auto state = vws::RequestHead::State::kMore;
  while (at < size && state == vws::RequestHead::State::kMore) {
    const std::string part(reinterpret_cast<const char*>(data) + at, std::min(piece, size - at));
    size_t used = 0;
    state = head.feed(reinterpret_cast<const uint8_t*>(part.data()), part.size(), &used);
    at += used;
  }
  std::string result = std::to_string(at) + " " + std::to_string(static_cast<int>(state));
  if (state == vws::RequestHead::State::kDone) {
    const std::string headers = head.headers();
    // Nothing that somebody else could read as the end of a line.
    for (size_t i = 0; i < headers.size(); ++i) {
      if (headers[i] == '\0') std::abort();
      if (headers[i] == '\n' && (i == 0 || headers[i - 1] != '\r')) std::abort();
      if (headers[i] == '\r' && (i + 1 == headers.size() || headers[i + 1] != '\n')) std::abort();
    }
    result += head.method() + " " + head.target() + " " + headers;
  }
  if (state == vws::RequestHead::State::kBad) result += std::to_string(head.status());
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const vws::test::CpuLimit limit(1);
  const std::string whole = parse(data, size, SIZE_MAX);
  if (parse(data, size, 1) != whole || parse(data, size, 3) != whole) std::abort();
  return 0;
}

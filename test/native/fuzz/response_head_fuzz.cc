// Heads of HTTP responses. The first byte chooses the versions that are taken, the second how the text is cut; the
// outcome must not depend on the cuts. Whatever is not refused yet can still become right: what is malformed is
// never waited for.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cpu_limit.h"
#include "engine/net/http_response_head.h"

namespace {

using vws::HttpResponseHead;
using State = HttpResponseHead::State;

struct Outcome {
  State state = State::kMore;
  size_t used = 0;
  HttpResponseHead head;
};

Outcome play(HttpResponseHead::Versions versions, const std::string& text, size_t piece) {
  Outcome outcome{State::kMore, 0, HttpResponseHead(versions)};
  while (outcome.state == State::kMore && outcome.used < text.size()) {
    const size_t size = std::min(piece, text.size() - outcome.used);
    size_t used = 0;
    outcome.state = outcome.head.feed(text.data() + outcome.used, size, &used);
    if (used > size || (outcome.state == State::kMore && used != size)) std::abort();
    outcome.used += used;
  }
  return outcome;
}

// Whether some continuation makes a whole head of it.
bool can_go_on(HttpResponseHead::Versions versions, const std::string& text) {
  const std::string start = "HTTP/1.1 200";
  const std::string final_head = start + "\r\n\r\n";
  for (size_t i = 0; i <= start.size(); ++i) {
    // What has begun may be an interim response.
    const std::string rest = start.substr(i) + "\r\n\r\n" + final_head;
    if (play(versions, text + rest, 64).state == State::kDone) return true;
  }
  for (const char* end : {"\n", "\n\r\n", ":\r\n\r\n", "\nHTTP/1.1 200\r\n\r\n",
                          "\r\n\r\nHTTP/1.1 200\r\n\r\n", "\r\nHTTP/1.1 200\r\n\r\n",
                          "\n\r\nHTTP/1.1 200\r\n\r\n", ":\r\n\r\nHTTP/1.1 200\r\n\r\n"}) {
    if (play(versions, text + end, 64).state == State::kDone) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const vws::test::CpuLimit limit(1);
  const auto versions =
      data[0] & 1 ? HttpResponseHead::Versions::kAny : HttpResponseHead::Versions::kOnly11;
  const size_t piece = data[1] % 64 + 1u;
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = play(versions, text, text.size() + 1);
  const Outcome cut = play(versions, text, piece);
  if (whole.state != cut.state || whole.used != cut.used ||
      whole.head.problem() != cut.head.problem() || whole.head.status() != cut.head.status() ||
      whole.head.fields() != cut.head.fields()) {
    std::abort();
  }
  const bool faulty = whole.head.fault() != HttpResponseHead::Fault::kNone;
  if (faulty != (whole.state == State::kBad) || faulty == whole.head.problem().empty())
    std::abort();
  if (whole.state == State::kDone && (whole.head.status() < 101 || whole.head.status() > 999)) {
    std::abort();
  }
  // Near its limits a head may have no room to become right.
  const bool small = text.size() < 512;
  if (whole.state == State::kMore && small && !can_go_on(versions, text)) std::abort();
  return 0;
}

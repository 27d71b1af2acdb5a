#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

enum class Mode { kEcho, kSink, kSource, kIdle };

// What a request's path asks for: /echo, /sink?every=N, /source?size=N&type=text&rate=BYTES, /idle.
// Any of them with deflate=1 accepts permessage-deflate if it is offered.
struct Task {
  Mode mode = Mode::kEcho;
  uint64_t every = 0;  // sink: a message is acknowledged every so many; 0: never
  uint64_t size = 64;  // source: bytes a message
  bool text = false;   // source
  uint64_t rate = 0;   // source: bytes a second; 0: as fast as the socket takes
  bool deflate = false;
};

struct Upgrade {
  Task task;
  std::string response;
};

// Answers a complete request (which ends with an empty line). Nothing if it is not one of ours.
std::optional<Upgrade> answer(std::string_view request);

}  // namespace bench

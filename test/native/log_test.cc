// What the engine logs waits for the consumer within a limit, wherever it waits.

#include "engine/log.h"

#include <string>
#include <vector>

#include "consumer.h"
#include "harness.h"

namespace vws {
namespace {

struct Listener {
  int woken = 0;
  Log log{[this] { ++woken; }};
  Listener() { log.set_levels(kLogUser | kLogWarning, false); }
};

TEST("lines that are on their way count as well") {
  Listener listener;
  size_t lines = 0;
  size_t bytes = 0;
  std::string last;
  for (int turn = 0; turn < 3000; ++turn) {
    for (int i = 0; i < 10; ++i) Log::write(kLogUser, "line");
    for (const LogLine& line : listener.log.take()) {
      ++lines;
      bytes += line.text.size();
      last = line.text;
    }
  }
  CHECK_EQ(lines, Log::kMaxWaiting);
  CHECK_EQ(last, std::string("line"));

  // Whoever takes them makes room, and is told what was lost.
  const int before = listener.woken;
  listener.log.consumed(lines, bytes);
  CHECK_EQ(listener.woken, before + 1);
  const std::vector<LogLine> more = listener.log.take();
  if (!CHECK_EQ(more.size(), size_t{1})) return;
  CHECK_EQ(more[0].level, static_cast<int>(kLogWarning));
  CHECK_EQ(more[0].text.find("20000 log lines were lost"), size_t{0});
}

TEST("long lines fill it sooner") {
  Listener listener;
  size_t bytes = 0;
  size_t lines = 0;
  const std::string text(200, '\x01');  // is shown with four characters for each
  for (size_t i = 0; i < Log::kMaxWaiting; ++i) {
    Log::write(kLogUser, text);
    if (i % 100) continue;
    for (const LogLine& line : listener.log.take()) {
      bytes += line.text.size();
      ++lines;
    }
  }
  CHECK(lines < Log::kMaxWaiting);
  CHECK(bytes >= Log::kMaxWaitingBytes);
  CHECK(bytes <= Log::kMaxWaitingBytes + 4 * text.size());
}

TEST("a consumer that keeps up loses nothing") {
  Listener listener;
  for (size_t i = 0; i < 3 * Log::kMaxWaiting; ++i) {
    Log::write(kLogUser, std::to_string(i));
    const std::vector<LogLine> lines = listener.log.take();
    if (!CHECK_EQ(lines.size(), size_t{1})) return;
    if (!CHECK_EQ(lines[0].text, std::to_string(i))) return;
    listener.log.consumed(1, lines[0].text.size());
  }
}

}  // namespace
}  // namespace vws

TEST_MAIN

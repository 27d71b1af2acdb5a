#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace vws {

// Levels are the engine's bits: 1 Error, 2 Warning, 4 Notice, 8 Info, 16 Debug, 32 Parser, 64 Header,
// 128 Extensions, 256 Client, 512 Latency, 1024 User.
enum LogLevel {
  kLogError = 1,
  kLogWarning = 2,
  kLogNotice = 4,
  kLogInfo = 8,
  kLogDebug = 16,
  kLogParser = 32,
  kLogHeader = 64,
  kLogExtensions = 128,
  kLogClient = 256,
  kLogLatency = 512,
  kLogUser = 1024,
};
constexpr int kAllLogLevels = 2047;

struct LogLine {
  int level;
  std::string text;
};

// One environment's share of the engine's log, which is the process's: the engine logs what any of them
// wants, and each gets what it asked for, whichever context it comes from.
class Log {
 public:
  // Lines that wait for the consumer, here or on their way to it, at most, and their bytes; what goes beyond is
  // counted, and the count is logged.
  static constexpr size_t kMaxWaiting = 10000;
  static constexpr size_t kMaxWaitingBytes = 4 * 1024 * 1024;

  // wake is called, on any thread, when lines wait and there were none before.
  explicit Log(std::function<void()> wake);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Nobody takes lines any more: wake is not called after this, and what is for take() is dropped. Lines for stderr
  // go on until the end.
  void silence();

  // Any thread. to_stderr false: lines are kept for take().
  void set_levels(int levels, bool to_stderr);
  // Any thread: what was logged since the last call. It counts as waiting until consumed() says otherwise.
  std::vector<LogLine> take();
  // Any thread: the consumer has so many lines of take(), with so many bytes.
  void consumed(size_t lines, size_t bytes);

  // Whether a line of that level would be seen by anybody: one load. Any thread.
  static bool enabled(int level);
  // Logs a line of our own. Any thread.
  static void write(int level, const std::string& text);
  // The same, but this log does not keep it. Any thread.
  void write_elsewhere(int level, const std::string& text);
  // The same of a connection. Any thread.
  static void write_of(int level, int connection, const char* what, const std::string& detail) {
    if (enabled(level)) {
      write(level, "connection " + std::to_string(connection) + ": " + what + detail);
    }
  }

 private:
  friend struct LogRegistry;
  void receive(int level, const std::string& line);
  bool has_room() const { return lines_ < kMaxWaiting && bytes_ < kMaxWaitingBytes; }

  const std::function<void()> wake_;
  std::mutex mutex_;
  int levels_ = 0;                // guarded by the registry
  bool to_stderr_ = true;         // guarded by the registry
  bool silent_ = false;           // guarded by the registry
  std::vector<LogLine> waiting_;  // guarded by mutex_
  size_t lines_ = 0;              // those and what take() gave away; guarded by mutex_
  size_t bytes_ = 0;              // their text; guarded by mutex_
  size_t lost_ = 0;               // guarded by mutex_
};

}  // namespace vws

#include "engine/log.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "engine/lws_compat.h"
#include "engine/os/standard_error.h"

namespace vws {

namespace {

// One line without its end, in which nothing can be mistaken for another line, or is obeyed by a terminal:
// the engine shows bytes as the peer has sent them.
std::string printable(const char* text) {
  size_t length = strlen(text);
  while (length && text[length - 1] == '\n') --length;
  std::string line;
  line.reserve(length + 1);
  for (size_t i = 0; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte >= 0x20 && byte != 0x7f) || byte == '\t') {
      line += text[i];
    } else {
      static const char kDigits[] = "0123456789abcdef";
      line += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return line;
}

}  // namespace

namespace {
// What any log of the process wants.
std::atomic<int> enabled_levels{0};

// The log that wrote the line of this thread, and does not want it.
thread_local const Log* passed_over = nullptr;
}  // namespace

// All logs of the process. Lines are handed out under its mutex, so that a log that goes is not in use.
struct LogRegistry {
  std::mutex mutex;
  std::vector<Log*> logs;

  // Never destroyed: the engine may log while the process ends.
  static LogRegistry& get() {
    static LogRegistry& registry = *new LogRegistry;
    return registry;
  }

  static void emit(int level, const char* text) {
    const std::string line = printable(text);
    LogRegistry& registry = get();
    const std::lock_guard<std::mutex> lock(registry.mutex);
    bool on_stderr = false;
    for (Log* log : registry.logs) {
      if (!(log->levels_ & level) || log == passed_over) continue;
      if (log->to_stderr_) {
        on_stderr = true;
      } else if (!log->silent_) {
        log->receive(level, line);
      }
    }
    if (!on_stderr) return;
    // As the engine's own log looks: time and level before the line, in one write.
    char prefix[64] = "";
    lwsl_timestamp(level, prefix, sizeof prefix);
    os::write_to_stderr(prefix + line + '\n');
  }

  // With the mutex held.
  void apply() {
    int levels = 0;
    for (const Log* log : logs) levels |= log->levels_;
    enabled_levels.store(levels, std::memory_order_relaxed);
    lws_set_log_level(levels, &LogRegistry::emit);
  }
};

Log::Log(std::function<void()> wake) : wake_(std::move(wake)) {
  LogRegistry& registry = LogRegistry::get();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  registry.logs.push_back(this);
  registry.apply();
}

Log::~Log() {
  LogRegistry& registry = LogRegistry::get();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  registry.logs.erase(std::remove(registry.logs.begin(), registry.logs.end(), this),
                      registry.logs.end());
  registry.apply();
}

void Log::silence() {
  const std::lock_guard<std::mutex> lock(LogRegistry::get().mutex);
  silent_ = true;
}

void Log::set_levels(int levels, bool to_stderr) {
  LogRegistry& registry = LogRegistry::get();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  levels_ = levels & kAllLogLevels;
  to_stderr_ = to_stderr;
  registry.apply();
}

void Log::receive(int level, const std::string& line) {
  bool first = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (has_room()) {
      first = waiting_.empty();
      waiting_.push_back({level, line});
      ++lines_;
      bytes_ += line.size();
    } else {
      ++lost_;
    }
  }
  if (first) wake_();
}

std::vector<LogLine> Log::take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<LogLine> lines;
  lines.swap(waiting_);
  if (lost_ && has_room()) {
    lines.push_back({LLL_WARN, std::to_string(lost_) +
                                   " log lines were lost: they came faster than they were taken"});
    ++lines_;
    bytes_ += lines.back().text.size();
    lost_ = 0;
  }
  return lines;
}

void Log::consumed(size_t lines, size_t bytes) {
  bool tell;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    lines_ -= lines;
    bytes_ -= bytes;
    tell = lost_ != 0 && has_room();
  }
  if (tell) wake_();
}

bool Log::enabled(int level) {
  return (enabled_levels.load(std::memory_order_relaxed) & level) != 0;
}

void Log::write(int level, const std::string& text) { _lws_log(level, "%s\n", text.c_str()); }

void Log::write_elsewhere(int level, const std::string& text) {
  passed_over = this;
  write(level, text);
  passed_over = nullptr;
}

}  // namespace vws

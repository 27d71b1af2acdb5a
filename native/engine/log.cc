#include "engine/log.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "engine/lws_compat.h"

namespace vws {

// All logs of the process. Lines are handed out under its mutex, so that a log that goes is not in use.
struct LogRegistry {
  std::mutex mutex;
  std::vector<Log*> logs;

  // Never destroyed: the engine may log while the process ends.
  static LogRegistry& get() {
    static LogRegistry& registry = *new LogRegistry;
    return registry;
  }

  static void emit(int level, const char* line) {
    LogRegistry& registry = get();
    const std::lock_guard<std::mutex> lock(registry.mutex);
    bool on_stderr = false;
    for (Log* log : registry.logs) {
      if (!(log->levels_ & level)) continue;
      if (log->to_stderr_) {
        on_stderr = true;
      } else {
        log->receive(level, line);
      }
    }
    if (!on_stderr) return;
    // As the engine's own log looks: time and level before the line, in one write.
    char prefix[64] = "";
    lwsl_timestamp(level, prefix, sizeof prefix);
    const std::string whole = prefix + std::string(line);
    const ssize_t written = ::write(STDERR_FILENO, whole.data(), whole.size());
    static_cast<void>(written);
  }

  // With the mutex held.
  void apply() {
    int levels = 0;
    for (const Log* log : logs) levels |= log->levels_;
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
  registry.logs.erase(std::remove(registry.logs.begin(), registry.logs.end(), this), registry.logs.end());
  registry.apply();
}

void Log::set_levels(int levels, bool to_stderr) {
  LogRegistry& registry = LogRegistry::get();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  levels_ = levels & kAllLogLevels;
  to_stderr_ = to_stderr;
  registry.apply();
}

void Log::receive(int level, const char* line) {
  bool first;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    first = waiting_.empty() && lost_ == 0;
    if (waiting_.size() >= kMaxWaiting) {
      ++lost_;
    } else {
      size_t length = strlen(line);
      while (length && line[length - 1] == '\n') --length;
      waiting_.push_back({level, std::string(line, length)});
    }
  }
  if (first) wake_();
}

std::vector<LogLine> Log::take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<LogLine> lines;
  lines.swap(waiting_);
  if (lost_) {
    lines.push_back({LLL_WARN, std::to_string(lost_) + " log lines were lost: they came faster than they were taken"});
    lost_ = 0;
  }
  return lines;
}

bool Log::enabled(int level) { return lwsl_visible(level); }

void Log::write(int level, const std::string& text) { _lws_log(level, "%s\n", text.c_str()); }

}  // namespace vws

#include "engine/lane.h"

#include <utility>

namespace vws {

namespace {
// A burst of up to so many bytes is written by the thread that made it, if the service sleeps: that is
// cheaper, and sooner on the wire, than to wake another thread.
constexpr size_t kInlineBytes = 8 * 1024;
// Of so many connections at most: each is a system call.
constexpr size_t kInlineConnections = 2;
}  // namespace

Lane::Lane(Arrivals& arrivals, const EngineSettings& settings, LanePlace place,
           std::function<void()> stopped)
    : mode_(settings.mode),
      inbox_(arrivals),
      service_(inbox_, settings.trim_interval, place),
      turns_(service_, std::move(stopped)) {}

bool Lane::start() {
  if (!service_.ok()) return false;
  if (mode_ != ServiceMode::kLoop) return turns_.start();
  service_.loop().set_watched_from_outside(true);
  service_.loop().announce(false);
  return true;
}

void Lane::end() {
  turns_.stop();
  service_.submit(commands_);
  const std::lock_guard<std::mutex> lock(service_.turn_mutex());
  if (service_.ok()) service_.inline_turn();
  service_.shut_down();
}

void Lane::turn(Milliseconds max_wait) {
  if (mode_ != ServiceMode::kLoop) {
    turns_.turn(max_wait);
    return;
  }
  Service::TurnLock lock(service_);
  const TimePoint began = service_.turn(max_wait, lock);
  service_.note_turn(Clock::now() - began);
}

void Lane::act(size_t weight, EventLoop::Task task) {
  Command made{Command::Kind::kAct, nullptr, nullptr, 0, {}, nullptr};
  made.call = std::make_unique<EventLoop::Task>(std::move(task));
  made.weight = weight;
  commands_.push_back(std::move(made));
}

void Lane::call(EventLoop::Task task) {
  Command made{Command::Kind::kCall, nullptr, nullptr, 0, {}, nullptr};
  made.call = std::make_unique<EventLoop::Task>(std::move(task));
  commands_.push_back(std::move(made));
}

void Lane::flush() {
  if (commands_.empty()) return;
  const size_t count = commands_.size();
  size_t bytes = 0;
  bool only_sends = true;
  for (const Command& command : commands_) {
    if (command.kind == Command::Kind::kProgress) continue;
    if (command.kind == Command::Kind::kAct) {
      bytes += command.weight;
      continue;
    }
    if (command.kind != Command::Kind::kSend) {
      only_sends = false;
      break;
    }
    bytes += command.outbound->raw.size() + command.outbound->framed.size();
  }
  service_.submit(commands_);
  // Work that was started may want a turn of its own, and timers.
  if (!turn_inline(bytes, count, only_sends) || !only_sends) service_.wake();
}

// Does what was submitted on this thread, if that is the better place.
bool Lane::turn_inline(size_t bytes, size_t count, bool only_sends) {
  if (mode_ == ServiceMode::kThread) return false;
  if (mode_ == ServiceMode::kLoop) {
    const Service::TurnLock lock(service_);
    service_.inline_turn();
    return true;
  }
  if (turns_.inline_turn(bytes)) return true;
  if (!only_sends || bytes > kInlineBytes || count > kInlineConnections) return false;
  const Service::TurnLock lock(service_, std::try_to_lock);
  if (!lock.held()) return false;
  service_.inline_turn();
  return !service_.must_wake();
}

void Lane::run_commands() {
  const std::lock_guard<std::mutex> lock(service_.turn_mutex());
  service_.run_commands();
}

}  // namespace vws

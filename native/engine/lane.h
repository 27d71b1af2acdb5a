#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/arrivals.h"
#include "engine/engine_settings.h"
#include "engine/inbox.h"
#include "engine/service.h"
#include "engine/turn_taking.h"

namespace vws {

// What a lane has to do: connections, those under way to it included, and how long its turns took altogether.
struct LaneLoad {
  uint32_t connections;
  TurnTimes::Duration busy;
};

// A service with its thread, and the two ways between it and the consumer. An engine has one or more; each connection
// lives on one of them. Functions are for the consumer's thread.
class Lane {
 public:
  Lane(Arrivals& arrivals, const EngineSettings& settings, LanePlace place,
       std::function<void()> stopped);
  // After end().
  ~Lane() = default;
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // False if the system had no descriptors, memory or threads for it; nothing else may be called then.
  bool start();
  // Asks the thread to end; false if there is none.
  bool begin_stop() { return turns_.begin_stop(); }
  // Joins the thread, has what was added go out as far as sockets take it at once, and ends all connections, without
  // records.
  void end();

  Inbox& inbox() { return inbox_; }
  Service& service() { return service_; }
  TurnTaking& turns() { return turns_; }
  bool consumer_runs() const { return mode_ == ServiceMode::kLoop || turns_.consumer_runs(); }
  // While the consumer runs the turns: one of them, which sleeps at most so long.
  void turn(Milliseconds max_wait);

  // To be done, in the order of the calls, with the next flush().
  void add(Command command) { commands_.push_back(std::move(command)); }
  // The same of what begins nothing that wants a turn of its own; so many bytes will be written for it.
  void act(size_t weight, EventLoop::Task task);
  // The same of whatever else, rarely.
  void call(EventLoop::Task task);
  bool has_commands() const { return !commands_.empty(); }
  // Hands over what was added, with one wake-up.
  void flush();
  // What was handed over is done when this returns: a turn that is under way may have run its commands already.
  void run_commands();

 private:
  bool turn_inline(size_t bytes, size_t count, bool only_sends);

  const ServiceMode mode_;
  Inbox inbox_;
  Service service_;
  std::vector<Command> commands_;
  TurnTaking turns_;
};

}  // namespace vws

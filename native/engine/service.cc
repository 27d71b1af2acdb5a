#include "engine/service.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "engine/os/error_names.h"
#include "engine/os/heap.h"
#include "engine/os/thread.h"

namespace vws {

ChunkPool& Service::chunk_pool() {
  // Never destroyed: chunks are given back by threads that may end after static objects do.
  static ChunkPool& pool = *new ChunkPool;
  return pool;
}

Service::Service(Inbox& inbox, Milliseconds trim_interval, LanePlace place)
    : inbox_(inbox),
      host_(loop_),
      resolver_(loop_),
      chunks_(chunk_pool()),
      receive_buffer_(new uint8_t[kReceiveSize]),
      trim_interval_(trim_interval),
      place_(place),
      next_accepted_(2 + 2 * place.number) {}

Service::~Service() { shut_down(); }

void Service::submit(std::vector<Command>& commands) {
  const std::lock_guard<std::mutex> lock(commands_mutex_);
  if (commands_.empty()) {
    commands_.swap(commands);
  } else {
    for (Command& command : commands) commands_.push_back(std::move(command));
    commands.clear();
  }
}

void Service::ask(EventLoop::Task task) {
  Command made{Command::Kind::kCall, nullptr, nullptr, 0, {}, nullptr};
  made.call = std::make_unique<EventLoop::Task>(std::move(task));
  std::vector<Command> commands;
  commands.push_back(std::move(made));
  submit(commands);
  wake();
}

TimePoint Service::turn(Milliseconds max_wait, TurnLock& lock) {
  run_commands();
  inbox_.publish();  // nothing may wait while this sleeps
  lock.tell();
  loop_.run_once(scheduled_.empty() ? max_wait : Milliseconds(0), &lock.lock_);
  inline_turn();
  return loop_.woke_at();
}

bool Service::has_waiting_work() {
  if (has_work() || loop_.has_ready()) return true;
  const std::lock_guard<std::mutex> lock(commands_mutex_);
  return !commands_.empty();
}

void Service::inline_turn() {
  loop_.begin_part();
  run_commands();
  if (inbox_.has_drained()) {
    unpark();
  }
  run_scheduled();
  run_settling();
  if (!stopped_listeners_.empty()) drop_stopped_listeners();
  pass_on_log();
  inbox_.publish();
  if (trim_timer_ == 0) plan_trim();
  plan_idle();
  loop_.announce(has_work());
}

void Service::watch_idle(Milliseconds interval, std::function<void()> tell) {
  idle_interval_ = interval;
  tell_idle_ = std::move(tell);
  idle_watched_.store(static_cast<bool>(tell_idle_));
  plan_idle();
}

void Service::watch_idle_again() {
  idle_watched_.store(static_cast<bool>(tell_idle_));
  wake();
}

// One wake-up after the last connection, and none after that.
void Service::plan_idle() {
  if (idle_timer_ != 0 || !connections_.empty() || !idle_watched_.load()) return;
  idle_timer_ = loop_.after(idle_interval_, [this] {
    idle_timer_ = 0;
    if (trim_timer_ != 0) return;  // the end of this turn plans another look
    idle_watched_.store(false);
    tell_idle_();
  });
}

// Memory that a burst has left behind is freed some seconds later; when there is none, nothing wakes up.
void Service::plan_trim() {
  if (!BlockPool::shared().bulky() && !chunk_pool().bulky() && !deflate_pool_.bulky()) return;
  trim_timer_ = loop_.after(trim_interval_, [this] {
    trim_timer_ = 0;
    trim();
  });
}

void Service::trim() {
  chunks_.flush();
  deflate_pool_.trim_idle();
  chunk_pool().trim_idle();
  BlockPool::shared().trim_idle();
  plan_trim();
  // Below its own threshold, which a burst has raised, free() keeps what it gets. It goes through all memory of the
  // process, which may take long: not here, where connections wait, and perhaps JavaScript.
  if (trim_timer_ == 0 && os::heap_keeps_memory()) run_detached("vws-trim", os::trim_heap);
}

void Service::pass_on_log() {
  if (!log_) return;
  for (LogLine& line : log_->take()) {
    inbox_.add_value(0, Kind::kLog, TextValue{std::move(line.text)}, line.level, true);
  }
}

void Service::run_commands() {
  std::vector<Command> commands;
  {
    const std::lock_guard<std::mutex> lock(commands_mutex_);
    commands.swap(commands_);
  }
  for (Command& command : commands) run(command);
}

void Service::run(Command& command) {
  if (command.call) {
    (*command.call)();
    return;
  }
  Connection& connection = *command.connection;
  switch (command.kind) {
    case Command::Kind::kCall:
    case Command::Kind::kAct:
      break;
    case Command::Kind::kStart:
      loop_.cancel(std::exchange(idle_timer_, 0));
      idle_watched_.store(static_cast<bool>(tell_idle_));
      connection.place = connections_.size();
      connections_.push_back(command.connection);
      connection.start();
      break;
    case Command::Kind::kSend:
      command.outbound->raw.set_cache(chunks_);
      command.outbound->framed.set_cache(chunks_);
      connection.enqueue(*command.outbound);
      break;
    case Command::Kind::kClose:
      connection.close(command.code, command.text);
      break;
    case Command::Kind::kTerminate:
      connection.terminate();
      break;
    case Command::Kind::kPause:
      connection.pause();
      break;
    case Command::Kind::kResume:
      connection.resume();
      break;
    case Command::Kind::kProgress:
      connection.report_progress();
      break;
    case Command::Kind::kJudge:
      connection.judge(command.text);
      break;
  }
}

void Service::schedule(Connection& connection) {
  if (connection.scheduled) return;
  connection.scheduled = true;
  scheduled_.push_back(connection.shared_from_this());
}

void Service::park(Connection& connection) {
  if (connection.parked) return;
  connection.parked = true;
  parked_.push_back(connection.shared_from_this());
}

// What was read and not taken waits outside the inbox: it goes first, so that there is never more of it than one
// connection has.
void Service::unpark() {
  for (const bool unread : {true, false}) {
    for (auto& connection : parked_) {
      if (connection->has_unread() == unread) schedule(*connection);
    }
  }
  for (auto& connection : parked_) connection->parked = false;
  parked_.clear();
}

void Service::settle_later(Connection& connection) {
  settling_.push_back(connection.shared_from_this());
}

void Service::forget(Connection& connection) {
  // It may have been given up before it was started.
  const size_t place = connection.place;
  if (place >= connections_.size() || connections_[place].get() != &connection) return;
  std::swap(connections_[place], connections_.back());
  connections_[place]->place = place;
  connections_.pop_back();
  expect_less();
}

void Service::run_scheduled() {
  // What going to a connection costs at least: some system calls.
  constexpr uint64_t kVisit = 8 * 1024;
  std::vector<std::shared_ptr<Connection>> now;
  now.swap(scheduled_);
  size_t served = 0;
  for (auto& connection : now) {
    ++served;
    connection->scheduled = false;
    if (connection->service()) schedule(*connection);
    spend(kVisit);
    if (turn_is_over()) break;
  }
  cut_short_ = turn_is_over();
  if (served == now.size()) return;
  // The others are first in the next turn.
  now.erase(now.begin(), now.begin() + static_cast<std::ptrdiff_t>(served));
  now.insert(now.end(), std::make_move_iterator(scheduled_.begin()),
             std::make_move_iterator(scheduled_.end()));
  scheduled_.swap(now);
}

void Service::run_settling() {
  while (!settling_.empty()) {
    std::vector<std::shared_ptr<Connection>> now;
    now.swap(settling_);
    for (auto& connection : now) connection->settle();
  }
}

void Service::listen(int32_t id, UniqueFd socket, const ListenerSettings& settings,
                     std::shared_ptr<const ServerTls> tls, std::shared_ptr<Admissions> admissions) {
  auto listener = std::make_unique<Listener>(*this, id, std::move(socket), settings, std::move(tls),
                                             std::move(admissions));
  listener->start();
  listeners_.emplace(id, std::move(listener));
}

void Service::unlisten(int32_t id) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return;
  found->second->stop();
  // Its handshakes go on: who has been accepted gets an answer.
  stopped_listeners_.push_back(std::move(found->second));
  listeners_.erase(found);
}

void Service::release_listener(int32_t id) {
  if (Listener* found = listener(id)) found->release();
}

Listener* Service::listener(int32_t id) {
  const auto found = listeners_.find(id);
  if (found != listeners_.end()) return found->second.get();
  for (const auto& one : stopped_listeners_) {
    if (one->id() == id) return one.get();
  }
  return nullptr;
}

void Service::accepted(std::shared_ptr<Transport> transport, std::vector<uint8_t> early,
                       RequestValue request) {
  int32_t id;
  if (free_accepted_.empty()) {
    id = next_accepted_;
    next_accepted_ += 2 * place_.of;
  } else {
    id = free_accepted_.back();
    free_accepted_.pop_back();
  }
  auto connection = std::make_shared<Connection>(*this, id, std::move(transport), std::move(early));
  connection->place = connections_.size();
  connections_.push_back(connection);
  expect();
  request.connection = connection;
  request.lane = place_.number;
  inbox_.add_value(id, Kind::kRequest, std::move(request));
  connection->start();
}

// Called when no function of theirs is on the stack.
void Service::drop_stopped_listeners() {
  stopped_listeners_.erase(std::remove_if(stopped_listeners_.begin(), stopped_listeners_.end(),
                                          [](const std::unique_ptr<Listener>& one) {
                                            return one->idle() && one->released();
                                          }),
                           stopped_listeners_.end());
}

void Service::shut_down() {
  {
    const std::lock_guard<std::mutex> lock(commands_mutex_);
    commands_.clear();
  }
  listeners_.clear();
  stopped_listeners_.clear();
  for (auto& connection : connections_) connection->abandon();
  connections_.clear();
  scheduled_.clear();
  parked_.clear();
  settling_.clear();
}

}  // namespace vws

#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include "engine/os/thread.h"
#include "engine/own_socket.h"

namespace vws {

namespace {
// A burst of up to so many bytes is written by the thread that made it, if the service sleeps: that is
// cheaper, and sooner on the wire, than to wake another thread.
constexpr size_t kInlineBytes = 8 * 1024;
// Of so many connections at most: each is a system call.
constexpr size_t kInlineConnections = 2;
}  // namespace

Engine::Engine(const EngineSettings& settings, std::function<void()> notify)
    : mode_(settings.mode),
      chunks_(Service::chunk_pool()),
      inbox_(std::move(notify), settings.inbound_high_water, settings.inbound_low_water),
      log_([this] { service_.wake(); }),
      service_(inbox_, settings.trim_interval),
      answers_(all_processors() > 1),
      turns_(service_, settings.stopped) {
  service_.set_log(&log_);
  if (service_.ok()) service_.watch_idle(settings.idle_interval, settings.idle);
  if (mode_ == ServiceMode::kLoop) {
    service_.loop().set_watched_from_outside(true);
    service_.loop().announce(false);
    started_ = true;
  } else if (service_.ok()) {
    started_ = turns_.start();
  }
}

Engine::~Engine() {
  // Other environments may log at any time, and the loop that a line would wake ends before the log.
  log_.silence();
  turns_.stop();
  // What was sent in the last moment goes out as far as the sockets take it at once.
  collect();
  service_.submit(commands_);
  const std::lock_guard<std::mutex> lock(service_.turn_mutex());
  if (service_.ok()) service_.inline_turn();
  service_.shut_down();
  entries_.clear();
}

Engine::Entry* Engine::entry(int32_t id) {
  // Numbers begin with 1: 0 is nobody's.
  const size_t index = static_cast<size_t>(id);
  return id > 0 && index < entries_.size() ? entries_[index].get() : nullptr;
}

bool Engine::is_idle() { return has_no_connections() && commands_.empty() && inbox_.is_quiet(); }

int32_t Engine::new_id() {
  if (free_ids_.empty()) return std::exchange(next_id_, next_id_ + 2);
  const int32_t id = free_ids_.back();
  free_ids_.pop_back();
  return id;
}

void Engine::keep(int32_t id, std::shared_ptr<Connection> connection, Sender::Limits limits,
                  bool masks, std::shared_ptr<StreamTransport> stream) {
  const size_t index = static_cast<size_t>(id);
  if (index >= entries_.size()) entries_.resize(std::max(index + 1, entries_.size() * 2));
  if (!entries_[index]) ++kept_;
  // What both tell each other lives in the connection.
  const std::shared_ptr<Progress> progress(connection, &connection->progress());
  entries_[index] = std::make_unique<Entry>(
      Entry{std::move(connection), Sender(chunks_, mask_keys_, progress, limits, masks),
            std::move(stream)});
}

int32_t Engine::connect(ConnectionOptions options, Sender::Limits limits) {
  const int32_t id = new_id();
  keep(id, std::make_shared<Connection>(service_, id, std::move(options)), limits, true);
  command(id, Command::Kind::kStart);
  return id;
}

void Engine::release(int32_t id) {
  const Entry* found = entry(id);
  if (!found) return;
  // A refusal whose body nobody wants.
  if (!found->connection->progress().ended.load()) command(id, Command::Kind::kTerminate);
  flush();
  entries_[static_cast<size_t>(id)].reset();
  --kept_;
  if (id % 2 != 0) {
    free_ids_.push_back(id);
  } else {
    call([this, id] { service_.release_accepted(id); });
  }
}

// ---- Servers

// In the order of the commands.
void Engine::call(EventLoop::Task task) {
  collect();
  Command made{Command::Kind::kCall, nullptr, nullptr, 0, {}, nullptr};
  made.call = std::make_unique<EventLoop::Task>(std::move(task));
  commands_.push_back(std::move(made));
  flush();
}

// At once: a turn that is under way may have run its commands already.
void Engine::run_commands() {
  const std::lock_guard<std::mutex> lock(service_.turn_mutex());
  service_.run_commands();
}

// As call(), with the next flush().
void Engine::act(size_t weight, EventLoop::Task task) {
  collect();
  Command made{Command::Kind::kAct, nullptr, nullptr, 0, {}, nullptr};
  made.call = std::make_unique<EventLoop::Task>(std::move(task));
  made.weight = weight;
  commands_.push_back(std::move(made));
}

int32_t Engine::listen(UniqueFd socket, const ListenerSettings& settings,
                       std::shared_ptr<const ServerTls> tls) {
  const int32_t id = ++next_listener_;
  ++listeners_;
  const auto shared = std::make_shared<UniqueFd>(std::move(socket));
  call([this, id, shared, settings, tls = std::move(tls)] {
    service_.listen(id, std::move(*shared), settings, tls);
  });
  return id;
}

void Engine::unlisten(int32_t listener) {
  call([this, listener] { service_.unlisten(listener); });
  run_commands();
}

void Engine::release_listener(int32_t listener) {
  --listeners_;
  call([this, listener] { service_.release_listener(listener); });
}

void Engine::set_listener_tls(int32_t listener, std::shared_ptr<const ServerTls> tls) {
  call([this, listener, tls = std::move(tls)] {
    if (Listener* found = service_.listener(listener)) found->set_tls(tls);
  });
  // It would accept with the old certificate.
  run_commands();
}

ListenerStats Engine::listener_stats(int32_t listener) {
  const std::lock_guard<std::mutex> lock(service_.turn_mutex());
  const Listener* found = service_.listener(listener);
  return found ? found->stats() : ListenerStats();
}

void Engine::accept(int32_t id, AcceptOptions options, Sender::Limits limits) {
  Entry* found = entry(id);
  if (!found || found->sender.is_shut()) return;
  keep(id, found->connection, limits, options.role.masks);
  entry(id)->sender.established(!options.deflate);
  const auto shared = std::make_shared<AcceptOptions>(std::move(options));
  call([connection = entry(id)->connection, shared] { connection->accept(std::move(*shared)); });
}

void Engine::refuse(int32_t id, std::string response) {
  Entry* found = entry(id);
  if (!found) return;
  found->sender.shut();
  call([connection = found->connection, response = std::move(response)] {
    connection->refuse(response);
  });
}

int32_t Engine::adopt(std::shared_ptr<Transport> transport, std::shared_ptr<StreamTransport> stream,
                      int32_t id, AcceptOptions options, Sender::Limits limits) {
  const bool masks = options.role.masks;
  const bool frames_here = !options.deflate;
  keep(id, std::make_shared<Connection>(service_, id, std::move(transport), std::move(options)),
       limits, masks, std::move(stream));
  entry(id)->sender.established(frames_here);
  command(id, Command::Kind::kStart);
  return id;
}

int32_t Engine::adopt(UniqueFd socket, AcceptOptions options, Sender::Limits limits) {
  auto transport = std::make_shared<OwnSocket>(service_.loop(), std::move(socket));
  return adopt(std::move(transport), nullptr, new_id(), std::move(options), limits);
}

int32_t Engine::adopt_stream(AcceptOptions options, Sender::Limits limits) {
  const int32_t id = new_id();
  auto stream = std::make_shared<StreamTransport>(inbox_, id);
  return adopt(stream, stream, id, std::move(options), limits);
}

bool Engine::feed(int32_t id, std::vector<uint8_t> bytes) {
  Entry* found = entry(id);
  if (!found || !found->stream) return true;
  const bool go_on = found->stream->announce(bytes.size());
  const auto shared = std::make_shared<std::vector<uint8_t>>(std::move(bytes));
  call([stream = found->stream, shared] { stream->feed(std::move(*shared)); });
  return go_on;
}

void Engine::feed_end(int32_t id, std::string error) {
  Entry* found = entry(id);
  if (!found || !found->stream) return;
  call([stream = found->stream, error = std::move(error)] { stream->feed_end(error); });
}

void Engine::took(int32_t id, size_t bytes) {
  Entry* found = entry(id);
  if (!found || !found->stream) return;
  call([stream = found->stream, bytes] { stream->took(bytes); });
}

// ---- Publications

void Engine::subscribe(int32_t id, int32_t topic) {
  Entry* found = entry(id);
  if (!found) return;
  act(0, [this, topic, connection = found->connection] {
    service_.topics().subscribe(topic, *connection);
  });
}

void Engine::unsubscribe(int32_t id, int32_t topic) {
  Entry* found = entry(id);
  if (!found) return;
  act(0, [this, topic, connection = found->connection] {
    service_.topics().unsubscribe(topic, *connection);
  });
}

void Engine::publish(int32_t topic, std::shared_ptr<Publication> publication, int32_t except,
                     size_t subscribers) {
  const size_t weight = publication->plain().size() * subscribers;
  act(weight, [this, topic, publication = std::move(publication), except] {
    service_.topics().publish(topic, *publication, except);
  });
}

void Engine::publish(const std::vector<int32_t>& ids, std::shared_ptr<Publication> publication) {
  std::vector<std::shared_ptr<Connection>> connections;
  connections.reserve(ids.size());
  for (const int32_t id : ids) {
    if (Entry* found = entry(id)) connections.push_back(found->connection);
  }
  const size_t weight = publication->plain().size() * connections.size();
  const auto shared =
      std::make_shared<std::vector<std::shared_ptr<Connection>>>(std::move(connections));
  act(weight, [shared, publication = std::move(publication)] {
    for (const auto& connection : *shared) connection->publish(*publication);
  });
}

Sender* Engine::sender(int32_t id) {
  Entry* found = entry(id);
  return found ? &found->sender : nullptr;
}

void Engine::touch(int32_t id) {
  Sender* sending = sender(id);
  if (!sending || sending->listed) return;
  sending->listed = true;
  touched_.push_back(id);
}

// Turns what was sent into commands, behind those that were given before.
void Engine::collect() {
  for (const int32_t id : touched_) {
    Entry* found = entry(id);
    if (!found) continue;
    found->sender.listed = false;
    if (auto outbound = found->sender.take()) {
      Command send{Command::Kind::kSend, found->connection, std::move(outbound), 0, {}, nullptr};
      commands_.push_back(std::move(send));
    }
  }
  touched_.clear();
}

void Engine::flush() {
  collect();
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
bool Engine::turn_inline(size_t bytes, size_t count, bool only_sends) {
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

void Engine::command(int32_t id, Command::Kind kind, uint16_t code, std::string text) {
  Entry* found = entry(id);
  if (!found) return;
  collect();
  Command made{kind, found->connection, nullptr, code, std::move(text), nullptr};
  commands_.push_back(std::move(made));
  flush();
}

void Engine::close(int32_t id, uint16_t code, std::string reason) {
  if (Entry* found = entry(id)) found->sender.shut();
  command(id, Command::Kind::kClose, code, std::move(reason));
}

void Engine::terminate(int32_t id) {
  if (Entry* found = entry(id)) found->sender.shut();
  command(id, Command::Kind::kTerminate);
}

void Engine::pause(int32_t id) { command(id, Command::Kind::kPause); }
void Engine::resume(int32_t id) { command(id, Command::Kind::kResume); }
void Engine::judge(int32_t id, std::string error) {
  command(id, Command::Kind::kJudge, 0, std::move(error));
}

uint64_t Engine::watch_progress(int32_t id) {
  Entry* found = entry(id);
  if (!found) return 0;
  const uint64_t queued = found->sender.queued();
  collect();
  Command made{Command::Kind::kProgress, found->connection, nullptr, 0, {}, nullptr};
  commands_.push_back(std::move(made));
  return queued;
}

ConnectionStats Engine::stats(int32_t id) {
  Entry* found = entry(id);
  if (!found) return {};
  // Asked at the end of every connection, when no turn needs to be waited for.
  if (found->connection->progress().ended.load()) return found->connection->stats();
  const std::lock_guard<std::mutex> lock(service_.turn_mutex());
  return found->connection->stats();
}

TurnTimes Engine::turn_times() {
  const std::lock_guard<std::mutex> lock(service_.turn_mutex());
  return service_.turn_times();
}

void Engine::run_turn(Milliseconds max_wait) {
  Service::TurnLock lock(service_);
  const TimePoint began = service_.turn(max_wait, lock);
  service_.turn_times().add(Clock::now() - began);
}

void Engine::turn() {
  if (mode_ == ServiceMode::kAdaptive) {
    turns_.turn();
  } else {
    run_turn(Milliseconds(0));
  }
}

bool Engine::answer_comes() {
  return consumer_runs() && answers_.wait([this] { return service_.loop().shows_work(); });
}

Milliseconds Engine::until_next_turn() {
  const std::lock_guard<std::mutex> lock(service_.turn_mutex());
  return service_.has_work() ? Milliseconds(0) : service_.loop().until_next_timer();
}

bool Engine::wait(int64_t ms) {
  const TimePoint end = Clock::now() + Milliseconds(ms);
  while (consumer_runs() && !inbox_.wait(0)) {
    const auto left = std::chrono::ceil<Milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    if (mode_ == ServiceMode::kLoop) {
      run_turn(left);
    } else {
      turns_.turn(left);
    }
  }
  const auto left = std::chrono::ceil<Milliseconds>(end - Clock::now());
  return inbox_.wait(ms < 0 ? ms : std::max<int64_t>(left.count(), 0));
}

bool Engine::take(Batch& batch) {
  bool read_again = false;
  if (!inbox_.take(batch, &read_again)) return false;
  if (read_again) service_.wake();
  size_t log_lines = 0;
  size_t log_bytes = 0;
  for (const Record& record : batch.records) {
    if (record.kind == Kind::kEstablished) {
      const auto& value =
          std::get<Boxed<EstablishedValue>>(batch.values[static_cast<size_t>(record.a)]);
      if (Sender* found = sender(record.connection)) found->established(!value->compressed);
    } else if (record.kind == Kind::kRequest) {
      // A connection of the service's making: its limits are known when it is accepted.
      auto& value = std::get<Boxed<RequestValue>>(batch.values[static_cast<size_t>(record.a)]);
      keep(record.connection, std::move(value->connection), Sender::Limits(), false);
    } else if (record.kind == Kind::kClosed || record.kind == Kind::kConnectionError ||
               record.kind == Kind::kRedirect) {
      if (Sender* found = sender(record.connection)) found->shut();
    } else if (record.kind == Kind::kLog) {
      ++log_lines;
      log_bytes += std::get<TextValue>(batch.values[static_cast<size_t>(record.b)]).text.size();
    }
  }
  if (log_lines != 0) log_.consumed(log_lines, log_bytes);
  return true;
}

}  // namespace vws

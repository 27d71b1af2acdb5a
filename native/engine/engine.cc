#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include "engine/os/thread.h"
#include "engine/own_socket.h"

namespace vws {

Engine::Engine(const EngineSettings& settings, std::function<void()> notify)
    : chunks_(Service::chunk_pool()),
      arrivals_(std::move(notify), settings.inbound_high_water, settings.inbound_low_water),
      log_([this] { first().service().wake(); }),
      answers_(all_processors() > 1) {
  const size_t count = settings.mode == ServiceMode::kLoop ? 1 : settings.lanes;
  const auto stopped = [this, tell = settings.stopped] {
    if (threads_.fetch_sub(1) == 1 && tell) tell();
  };
  for (size_t i = 0; i < count; ++i) {
    const LanePlace place{static_cast<int32_t>(i), static_cast<int32_t>(count)};
    lanes_.push_back(std::make_unique<Lane>(arrivals_, settings, place, stopped));
  }
  std::vector<Service*> services;
  for (const auto& lane : lanes_) services.push_back(&lane->service());
  placement_ = std::make_unique<Placement>(services);
  for (Service* service : services) service->set_placement(*placement_);
  Service& service = first().service();
  service.set_log(&log_);
  if (service.ok()) service.watch_idle(settings.idle_interval, settings.idle);
  started_ = true;
  for (const auto& lane : lanes_) {
    ++threads_;
    started_ = started_ && lane->start();
  }
}

Engine::~Engine() {
  // Other environments may log at any time, and the loop that a line would wake ends before the log.
  log_.silence();
  begin_end();
  collect();
  for (const auto& lane : lanes_) lane->end();
  entries_.clear();
}

bool Engine::begin_end() {
  bool any = false;
  for (const auto& lane : lanes_) any |= lane->begin_stop();
  return any;
}

Engine::Entry* Engine::entry(int32_t id) {
  // Numbers begin with 1: 0 is nobody's.
  const size_t index = static_cast<size_t>(id);
  return id > 0 && index < entries_.size() ? entries_[index].get() : nullptr;
}

bool Engine::is_idle() {
  const bool waits = std::any_of(lanes_.begin(), lanes_.end(),
                                 [](const auto& lane) { return lane->has_commands(); });
  return has_no_connections() && !waits && arrivals_.is_quiet();
}

int32_t Engine::new_id() {
  if (free_ids_.empty()) return std::exchange(next_id_, next_id_ + 2);
  const int32_t id = free_ids_.back();
  free_ids_.pop_back();
  return id;
}

void Engine::keep(int32_t id, std::shared_ptr<Connection> connection, Lane& lane,
                  Sender::Limits limits, bool masks, std::shared_ptr<StreamTransport> stream) {
  const size_t index = static_cast<size_t>(id);
  if (index >= entries_.size()) entries_.resize(std::max(index + 1, entries_.size() * 2));
  if (!entries_[index]) ++kept_;
  // What both tell each other lives in the connection.
  const std::shared_ptr<Progress> progress(connection, &connection->progress());
  entries_[index] = std::make_unique<Entry>(
      Entry{std::move(connection), &lane, Sender(chunks_, mask_keys_, progress, limits, masks),
            std::move(stream)});
}

int32_t Engine::connect(ConnectionOptions options, Sender::Limits limits) {
  const int32_t id = new_id();
  Lane& lane = next_lane();
  auto connection = std::make_shared<Connection>(lane.service(), id, std::move(options));
  keep(id, std::move(connection), lane, limits, true);
  command(id, Command::Kind::kStart);
  return id;
}

void Engine::release(int32_t id) {
  const Entry* found = entry(id);
  if (!found) return;
  // A refusal whose body nobody wants.
  if (!found->connection->progress().ended.load()) command(id, Command::Kind::kTerminate);
  flush();
  Lane& lane = *found->lane;
  entries_[static_cast<size_t>(id)].reset();
  --kept_;
  if (id % 2 != 0) {
    free_ids_.push_back(id);
  } else {
    call(lane, [&lane, id] { lane.service().release_accepted(id); });
  }
}

Lane& Engine::next_lane() { return *lanes_[static_cast<size_t>(placement_->next().lane())]; }

// ---- Servers

// In the order of the commands.
void Engine::call(Lane& lane, EventLoop::Task task) {
  collect();
  lane.call(std::move(task));
  flush();
}

int32_t Engine::listen(UniqueFd socket, const ListenerSettings& settings,
                       std::shared_ptr<const ServerTls> tls) {
  const int32_t id = ++next_listener_;
  ++listeners_;
  const auto admissions = std::make_shared<Admissions>();
  // The one that accepts comes last.
  for (auto lane = lanes_.rbegin(); lane != lanes_.rend(); ++lane) {
    Service& service = (*lane)->service();
    const auto own = std::make_shared<UniqueFd>();
    if (lane->get() == &first()) *own = std::move(socket);
    call(**lane, [&service, id, own, settings, tls, admissions] {
      service.listen(id, std::move(*own), settings, tls, admissions);
    });
  }
  return id;
}

void Engine::unlisten(int32_t listener) {
  // First who accepts: nothing is handed to the others after that.
  for (const auto& lane : lanes_) {
    Service& service = lane->service();
    call(*lane, [&service, listener] { service.unlisten(listener); });
    lane->run_commands();
  }
}

void Engine::release_listener(int32_t listener) {
  --listeners_;
  for (const auto& lane : lanes_) {
    Service& service = lane->service();
    call(*lane, [&service, listener] { service.release_listener(listener); });
  }
}

void Engine::set_listener_tls(int32_t listener, std::shared_ptr<const ServerTls> tls) {
  for (const auto& lane : lanes_) {
    Service& service = lane->service();
    call(*lane, [&service, listener, tls] {
      if (Listener* found = service.listener(listener)) found->set_tls(tls);
    });
    // It would accept with the old certificate.
    lane->run_commands();
  }
}

ListenerStats Engine::listener_stats(int32_t listener) {
  ListenerStats stats;
  for (const auto& lane : lanes_) {
    Service& service = lane->service();
    const std::lock_guard<std::mutex> lock(service.turn_mutex());
    if (const Listener* found = service.listener(listener)) stats += found->stats();
  }
  return stats;
}

void Engine::accept(int32_t id, AcceptOptions options, Sender::Limits limits) {
  Entry* found = entry(id);
  if (!found || found->sender.is_shut()) return;
  Lane& lane = *found->lane;
  keep(id, found->connection, lane, limits, options.role.masks);
  entry(id)->sender.established(!options.deflate);
  const auto shared = std::make_shared<AcceptOptions>(std::move(options));
  call(lane,
       [connection = entry(id)->connection, shared] { connection->accept(std::move(*shared)); });
}

void Engine::refuse(int32_t id, std::string response) {
  Entry* found = entry(id);
  if (!found) return;
  found->sender.shut();
  call(*found->lane, [connection = found->connection, response = std::move(response)] {
    connection->refuse(response);
  });
}

int32_t Engine::adopt(Lane& lane, std::shared_ptr<Transport> transport,
                      std::shared_ptr<StreamTransport> stream, int32_t id, AcceptOptions options,
                      Sender::Limits limits) {
  const bool masks = options.role.masks;
  const bool frames_here = !options.deflate;
  auto connection =
      std::make_shared<Connection>(lane.service(), id, std::move(transport), std::move(options));
  keep(id, std::move(connection), lane, limits, masks, std::move(stream));
  entry(id)->sender.established(frames_here);
  command(id, Command::Kind::kStart);
  return id;
}

int32_t Engine::adopt(UniqueFd socket, AcceptOptions options, Sender::Limits limits) {
  Lane& lane = next_lane();
  auto transport = std::make_shared<OwnSocket>(lane.service().loop(), std::move(socket));
  return adopt(lane, std::move(transport), nullptr, new_id(), std::move(options), limits);
}

int32_t Engine::adopt_stream(AcceptOptions options, Sender::Limits limits) {
  const int32_t id = new_id();
  Lane& lane = next_lane();
  auto stream = std::make_shared<StreamTransport>(lane.inbox(), id);
  return adopt(lane, stream, stream, id, std::move(options), limits);
}

bool Engine::feed(int32_t id, std::vector<uint8_t> bytes) {
  Entry* found = entry(id);
  if (!found || !found->stream) return true;
  const bool go_on = found->stream->announce(bytes.size());
  const auto shared = std::make_shared<std::vector<uint8_t>>(std::move(bytes));
  call(*found->lane, [stream = found->stream, shared] { stream->feed(std::move(*shared)); });
  return go_on;
}

void Engine::feed_end(int32_t id, std::string error) {
  Entry* found = entry(id);
  if (!found || !found->stream) return;
  call(*found->lane,
       [stream = found->stream, error = std::move(error)] { stream->feed_end(error); });
}

void Engine::took(int32_t id, size_t bytes) {
  Entry* found = entry(id);
  if (!found || !found->stream) return;
  call(*found->lane, [stream = found->stream, bytes] { stream->took(bytes); });
}

// ---- Publications

void Engine::subscribe(int32_t id, int32_t topic) {
  Entry* found = entry(id);
  if (!found) return;
  collect();
  Service& service = found->lane->service();
  found->lane->act(0, [&service, topic, connection = found->connection] {
    service.topics().subscribe(topic, *connection);
  });
}

void Engine::unsubscribe(int32_t id, int32_t topic) {
  Entry* found = entry(id);
  if (!found) return;
  collect();
  Service& service = found->lane->service();
  found->lane->act(0, [&service, topic, connection = found->connection] {
    service.topics().unsubscribe(topic, *connection);
  });
}

void Engine::publish(int32_t topic, std::shared_ptr<Publication> publication, int32_t except,
                     size_t subscribers) {
  collect();
  const size_t weight = publication->plain().size() * subscribers / lanes_.size();
  const auto give = [topic, except, weight](Lane& lane, std::shared_ptr<Publication> message) {
    Service& service = lane.service();
    lane.act(weight, [&service, topic, message = std::move(message), except] {
      service.topics().publish(topic, *message, except);
    });
  };
  for (size_t i = 1; i < lanes_.size(); ++i) give(*lanes_[i], publication);
  give(first(), std::move(publication));
}

void Engine::publish(const std::vector<int32_t>& ids,
                     const std::shared_ptr<Publication>& publication) {
  using Connections = std::vector<std::shared_ptr<Connection>>;
  std::vector<std::shared_ptr<Connections>> by_lane(lanes_.size());
  for (const int32_t id : ids) {
    Entry* found = entry(id);
    if (!found) continue;
    auto& connections = by_lane[static_cast<size_t>(found->lane->service().lane())];
    if (!connections) connections = std::make_shared<Connections>();
    connections->push_back(found->connection);
  }
  collect();
  for (size_t i = 0; i < lanes_.size(); ++i) {
    if (!by_lane[i]) continue;
    const size_t weight = publication->plain().size() * by_lane[i]->size();
    lanes_[i]->act(weight, [connections = std::move(by_lane[i]), publication] {
      for (const auto& connection : *connections) connection->publish(*publication);
    });
  }
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
      found->lane->add(std::move(send));
    }
  }
  touched_.clear();
}

void Engine::flush() {
  collect();
  for (const auto& lane : lanes_) lane->flush();
}

void Engine::command(int32_t id, Command::Kind kind, uint16_t code, std::string text) {
  Entry* found = entry(id);
  if (!found) return;
  collect();
  Command made{kind, found->connection, nullptr, code, std::move(text), nullptr};
  found->lane->add(std::move(made));
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
  found->lane->add(std::move(made));
  return queued;
}

ConnectionStats Engine::stats(int32_t id) {
  Entry* found = entry(id);
  if (!found) return {};
  // Asked at the end of every connection, when no turn needs to be waited for.
  if (found->connection->progress().ended.load()) return found->connection->stats();
  const std::lock_guard<std::mutex> lock(found->lane->service().turn_mutex());
  return found->connection->stats();
}

TurnTimes Engine::turn_times() {
  TurnTimes times;
  for (const auto& lane : lanes_) {
    Service& service = lane->service();
    const std::lock_guard<std::mutex> lock(service.turn_mutex());
    times.add(service.turn_times());
  }
  return times;
}

std::vector<LaneLoad> Engine::lane_loads() const {
  std::vector<LaneLoad> loads;
  for (const auto& lane : lanes_) {
    loads.push_back({lane->service().load(), lane->service().busy()});
  }
  return loads;
}

bool Engine::answer_comes() {
  return consumer_runs() && answers_.wait([this] { return first().service().loop().shows_work(); });
}

Milliseconds Engine::until_next_turn() {
  Service& service = first().service();
  const std::lock_guard<std::mutex> lock(service.turn_mutex());
  return service.has_work() ? Milliseconds(0) : service.loop().until_next_timer();
}

bool Engine::wait(int64_t ms) {
  // Who sleeps in a turn of the first lane does not see what others bring.
  if (lanes_.size() > 1) turns().give_back();
  const TimePoint end = Clock::now() + Milliseconds(ms);
  while (consumer_runs() && !arrivals_.wait(0)) {
    const auto left = std::chrono::ceil<Milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    first().turn(left);
  }
  const auto left = std::chrono::ceil<Milliseconds>(end - Clock::now());
  return arrivals_.wait(ms < 0 ? ms : std::max<int64_t>(left.count(), 0));
}

bool Engine::take(Batch& batch) {
  if (!arrivals_.take(batch)) return false;
  for (const auto& lane : lanes_) {
    if (lane->inbox().may_go_on()) lane->service().wake();
  }
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
      Lane& lane = *lanes_[static_cast<size_t>(value->lane)];
      keep(record.connection, std::move(value->connection), lane, Sender::Limits(), false);
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

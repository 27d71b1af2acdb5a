#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/arrivals.h"
#include "engine/base/short_wait.h"
#include "engine/connection.h"
#include "engine/engine_settings.h"
#include "engine/lane.h"
#include "engine/log.h"
#include "engine/placement.h"
#include "engine/publication.h"
#include "engine/sender.h"
#include "engine/stream_transport.h"

namespace vws {

// What one environment has of the engine: its connections, and the lanes on which they live. All functions are for the
// consumer's thread.
class Engine {
 public:
  // notify: see Arrivals. Runs on a service thread or on this one, without any lock.
  Engine(const EngineSettings& settings, std::function<void()> notify);
  // Ends all connections without records, and joins the threads.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // False if the system had no descriptors, memory or threads for it; nothing else may be called then.
  bool ok() const { return mask_keys_.ok() && started_; }

  // Whether it can be ended and nobody would notice: no number is in use, and there is nothing to take.
  bool is_idle();
  // Whether no number is in use.
  bool has_no_connections() const { return kept_ == 0 && listeners_ == 0; }
  // idle is to be called again, where the engine was kept after all.
  void watch_idle_again() { first().service().watch_idle_again(); }
  // Asks the threads to end, so that ~Engine() need not wait for them once the last has told by stopped; nothing but
  // ~Engine() may follow. False if there is none.
  bool begin_end();

  // Begins to connect; the number names the connection in records.
  int32_t connect(ConnectionOptions options, Sender::Limits limits);
  // Listens; the number names the listener. Request records follow, whose connections have numbers of their own.
  int32_t listen(UniqueFd socket, const ListenerSettings& settings,
                 std::shared_ptr<const ServerTls> tls);
  // When it returns, nothing more is accepted. Handshakes under way go on, and are counted until it is released.
  void unlisten(int32_t listener);
  void release_listener(int32_t listener);
  void set_listener_tls(int32_t listener, std::shared_ptr<const ServerTls> tls);
  ListenerStats listener_stats(int32_t listener);
  // Decide about a request.
  void accept(int32_t id, AcceptOptions options, Sender::Limits limits);
  void refuse(int32_t id, std::string response);
  // An open connection on a socket, or over a stream of the consumer's.
  int32_t adopt(UniqueFd socket, AcceptOptions options, Sender::Limits limits);
  int32_t adopt_stream(AcceptOptions options, Sender::Limits limits);
  bool feed(int32_t id, std::vector<uint8_t> bytes);
  void feed_end(int32_t id, std::string error);
  void took(int32_t id, size_t bytes);

  // A server's connection gets what is published under the number of a topic from here on, or no longer.
  void subscribe(int32_t id, int32_t topic);
  void unsubscribe(int32_t id, int32_t topic);
  // To so many subscribers of a topic, or to the connections named, as far as there are such; in the order of the
  // calls, with the next flush(). except: the connection that does not get it; 0: none.
  void publish(int32_t topic, std::shared_ptr<Publication> publication, int32_t except,
               size_t subscribers);
  void publish(const std::vector<int32_t>& ids, const std::shared_ptr<Publication>& publication);
  // Where frames of publications are made.
  SharedSlab& publications() { return publications_; }

  // Frees the number, after the connection's terminal record was taken.
  void release(int32_t id);

  // The outbound side; null if there is no such connection. After sending, touch() it.
  Sender* sender(int32_t id);
  void touch(int32_t id);
  // Hands what was sent to the service, with one wake-up.
  void flush();

  void close(int32_t id, uint16_t code, std::string reason);
  void terminate(int32_t id);
  void pause(int32_t id);
  void resume(int32_t id);
  void judge(int32_t id, std::string error);
  // The next progress of the connection's queue is reported. Returns payload bytes queued since the beginning.
  uint64_t watch_progress(int32_t id);
  ConnectionStats stats(int32_t id);
  TurnTimes turn_times();
  std::vector<LaneLoad> lane_loads() const;

  // While the consumer runs the turns of the first lane (kLoop: always): one turn without sleeping, whenever
  // the poller has events.
  void turn() { first().turn(Milliseconds(0)); }
  Poller& poller() { return first().service().loop().poller(); }
  // After a turn of the consumer's: whether another has something to do, at once or within microseconds.
  bool answer_comes();
  // How long until that is so without anything coming from outside; negative: it never will be.
  Milliseconds until_next_turn();
  bool consumer_runs() const { return first().consumer_runs(); }
  // kAdaptive: lets the consumer's event loop take part.
  TurnTaking& turns() { return first().turns(); }

  // The inbound side. Sees to the senders' state as records of it pass by.
  bool take(Batch& batch);
  // Blocks until there is something to take; false after ms milliseconds. Meanwhile this thread runs the turns, if
  // they are the consumer's.
  bool wait(int64_t ms);
  void rearm() { arrivals_.rearm(); }
  // Bytes that wait to be taken, of all connections.
  size_t inbound_bytes() const { return arrivals_.pending_bytes(); }

  void set_log(int levels, bool to_stderr) { log_.set_levels(levels, to_stderr); }
  void write_log_elsewhere(int level, const std::string& text) {
    log_.write_elsewhere(level, text);
  }

 private:
  struct Entry {
    std::shared_ptr<Connection> connection;
    Lane* lane;
    Sender sender;
    std::shared_ptr<StreamTransport> stream;  // null: none
  };

  // The one that takes turns with the consumer, listens, and writes the log.
  Lane& first() const { return *lanes_.front(); }
  // Where a new connection lives.
  Lane& next_lane();
  int32_t new_id();
  void keep(int32_t id, std::shared_ptr<Connection> connection, Lane& lane, Sender::Limits limits,
            bool masks, std::shared_ptr<StreamTransport> stream = nullptr);
  int32_t adopt(Lane& lane, std::shared_ptr<Transport> transport,
                std::shared_ptr<StreamTransport> stream, int32_t id, AcceptOptions options,
                Sender::Limits limits);
  void call(Lane& lane, EventLoop::Task task);

  Entry* entry(int32_t id);
  void command(int32_t id, Command::Kind kind, uint16_t code = 0, std::string text = {});
  void collect();

  ChunkCache chunks_;
  MaskKeySource mask_keys_;
  Arrivals arrivals_;
  Log log_;  // before the lanes, whose contexts log while they are made
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<Placement> placement_;
  std::atomic<size_t> threads_{0};               // that have not ended
  std::vector<std::unique_ptr<Entry>> entries_;  // by number
  int32_t next_id_ = 1;                          // odd ones: see Service::accepted()
  std::vector<int32_t> free_ids_;
  size_t kept_ = 0;  // entries there are
  int32_t next_listener_ = 0;
  size_t listeners_ = 0;
  std::vector<int32_t> touched_;
  bool started_ = false;
  SharedSlab publications_;
  ShortWait answers_;  // of peers
};

}  // namespace vws

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/short_wait.h"
#include "engine/connection.h"
#include "engine/inbox.h"
#include "engine/log.h"
#include "engine/publication.h"
#include "engine/sender.h"
#include "engine/service.h"
#include "engine/stream_transport.h"
#include "engine/turn_taking.h"

namespace vws {

// Where the engine runs.
enum class ServiceMode {
  kThread,    // on a thread of its own, which does all reading and writing
  kAdaptive,  // wherever it costs less: see TurnTaking
  kLoop,      // on the consumer's thread: it calls turn() when backend_fd() is readable
};

struct EngineSettings {
  ServiceMode mode = ServiceMode::kAdaptive;
  size_t inbound_high_water = 16 * 1024 * 1024;
  size_t inbound_low_water = 4 * 1024 * 1024;
  Milliseconds trim_interval = Service::kTrimInterval;
  // Called on the thread that runs the turns when there has been no connection for so long. The engine does nothing
  // more from then on; where is_idle() agrees, it is better ended, and made again for the next connection.
  std::function<void()> idle;
  Milliseconds idle_interval = Service::kIdleInterval;
  // Called on the service thread, as its last act.
  std::function<void()> stopped;
};

// What one environment has of the engine: its connections, its service thread, and the two ways between
// them and the consumer. All functions are for the consumer's thread.
class Engine {
 public:
  // notify: see Inbox. Runs on the service thread or on this one, without any lock.
  Engine(const EngineSettings& settings, std::function<void()> notify);
  // Ends all connections without records, and joins the thread.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // False if the system had no descriptors, memory or threads for it; nothing else may be called then.
  bool ok() const { return service_.ok() && mask_keys_.ok() && started_; }

  // Whether it can be ended and nobody would notice: no number is in use, and there is nothing to take.
  bool is_idle();
  // Whether no number is in use.
  bool has_no_connections() const { return kept_ == 0 && listeners_ == 0; }
  // idle is to be called again, where the engine was kept after all.
  void watch_idle_again() { service_.watch_idle_again(); }
  // Asks the thread to end, so that ~Engine() need not wait for it once it has told by stopped; nothing but ~Engine()
  // may follow. False if there is no thread.
  bool begin_end() { return turns_.begin_stop(); }

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
  void publish(const std::vector<int32_t>& ids, std::shared_ptr<Publication> publication);
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

  // While the consumer runs the turns (kLoop: always): one turn without sleeping, whenever the descriptor is
  // readable.
  void turn();
  int backend_fd() { return service_.loop().backend_fd(); }
  // After a turn of the consumer's: whether another has something to do, at once or within microseconds.
  bool answer_comes();
  // How long until that is so without anything coming from outside; negative: it never will be.
  Milliseconds until_next_turn();
  bool consumer_runs() const { return mode_ == ServiceMode::kLoop || turns_.consumer_runs(); }
  // kAdaptive: lets the consumer's event loop take part.
  TurnTaking& turns() { return turns_; }

  // The inbound side. Sees to the senders' state as records of it pass by.
  bool take(Batch& batch);
  // Blocks until there is something to take; false after ms milliseconds. Meanwhile this thread runs the turns, if
  // they are the consumer's.
  bool wait(int64_t ms);
  void rearm() { inbox_.rearm(); }
  // Bytes that wait to be taken, of all connections.
  size_t inbound_bytes() const { return inbox_.pending_bytes(); }

  void set_log(int levels, bool to_stderr) { log_.set_levels(levels, to_stderr); }
  void write_log_elsewhere(int level, const std::string& text) {
    log_.write_elsewhere(level, text);
  }

 private:
  struct Entry {
    std::shared_ptr<Connection> connection;
    Sender sender;
    std::shared_ptr<StreamTransport> stream;  // null: none
  };

  // kLoop: one turn.
  void run_turn(Milliseconds max_wait);
  int32_t new_id();
  void keep(int32_t id, std::shared_ptr<Connection> connection, Sender::Limits limits, bool masks,
            std::shared_ptr<StreamTransport> stream = nullptr);
  int32_t adopt(std::shared_ptr<Transport> transport, std::shared_ptr<StreamTransport> stream,
                int32_t id, AcceptOptions options, Sender::Limits limits);
  void call(EventLoop::Task task);
  void act(size_t weight, EventLoop::Task task);
  void run_commands();

  Entry* entry(int32_t id);
  void command(int32_t id, Command::Kind kind, uint16_t code = 0, std::string text = {});
  void collect();
  bool turn_inline(size_t bytes, size_t count, bool only_sends);

  const ServiceMode mode_;
  ChunkCache chunks_;
  MaskKeySource mask_keys_;
  Inbox inbox_;
  Log log_;  // before the service, whose context logs while it is made
  Service service_;
  std::vector<std::unique_ptr<Entry>> entries_;  // by number
  int32_t next_id_ = 1;                          // odd ones: see Service::accepted()
  std::vector<int32_t> free_ids_;
  size_t kept_ = 0;  // entries there are
  int32_t next_listener_ = 0;
  size_t listeners_ = 0;
  std::vector<int32_t> touched_;
  std::vector<Command> commands_;
  bool started_ = false;
  SharedSlab publications_;
  ShortWait answers_;  // of peers
  TurnTaking turns_;
};

}  // namespace vws

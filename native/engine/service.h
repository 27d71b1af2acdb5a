#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/loop.h"
#include "engine/connection.h"
#include "engine/inbox.h"
#include "engine/log.h"
#include "engine/lws_host.h"
#include "engine/net/resolver.h"
#include "engine/server/listener.h"
#include "engine/topics.h"
#include "engine/turn_times.h"
#include "engine/ws/chunk_queue.h"
#include "engine/ws/deflate.h"
#include "engine/ws/random_pool.h"

namespace vws {

// What is asked of the service.
struct Command {
  enum class Kind : uint8_t {
    kStart,
    kSend,
    kClose,
    kTerminate,
    kPause,
    kResume,
    kJudge,
    kProgress,
    kCall,
    kAct
  };
  Kind kind;
  std::shared_ptr<Connection> connection;
  std::unique_ptr<Outbound> outbound;     // kSend
  uint16_t code = 0;                      // kClose
  std::string text;                       // kClose: reason; kJudge: error
  std::unique_ptr<EventLoop::Task> call;  // kCall: whatever else is asked, rarely
  // kAct: the same of what begins nothing that wants a turn of its own; so many bytes will be written for it
  size_t weight = 0;
};

class Placement;

// Which of an engine's lanes one is, and how many there are.
struct LanePlace {
  int32_t number = 0;
  int32_t of = 1;
};

// The connections of a lane, on one event loop. Whoever holds turn_mutex() may run a turn; that
// is its own thread or the consumer's (TurnTaking). Functions
// without another remark are for the thread that holds it.
class Service {
 public:
  // Bytes received at once.
  static constexpr size_t kReceiveSize = 128 * 1024;
  // Bytes read from one connection before the next gets its turn.
  static constexpr size_t kReadBudget = 256 * 1024;
  // What is read of a client that was refused, so that it gets to read why.
  static constexpr size_t kMostDiscarded = 256 * 1024;

  // Work after which the clock is looked at, in bytes copied.
  static constexpr uint64_t kLookAtClock = 64 * 1024;

  // How long after a burst the memory it has left behind is looked at, again and again until it is freed.
  static constexpr Milliseconds kTrimInterval{5000};
  // How long there has been no connection when the service says that it is idle.
  static constexpr Milliseconds kIdleInterval{3000};

  Service(Inbox& inbox, Milliseconds trim_interval, LanePlace place);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Holds turn_mutex(). When it is let go of, the consumer is told of what was published meanwhile: never with the
  // lock held, which it may want.
  class TurnLock {
   public:
    explicit TurnLock(Service& service) : service_(service), lock_(service.turn_mutex_) {}
    TurnLock(Service& service, std::try_to_lock_t)
        : service_(service), lock_(service.turn_mutex_, std::try_to_lock) {}
    ~TurnLock() { release(); }
    TurnLock(const TurnLock&) = delete;
    TurnLock& operator=(const TurnLock&) = delete;

    bool held() const { return lock_.owns_lock(); }
    void take() { lock_.lock(); }
    void release() {
      if (!held()) return;
      const bool tell = service_.inbox_.take_news();
      lock_.unlock();
      if (tell) service_.inbox_.tell();
    }
    // For the thread, which holds it from turn to turn.
    void tell() {
      if (!service_.inbox_.has_news()) return;
      release();
      take();
    }

   private:
    friend class Service;
    Service& service_;
    std::unique_lock<std::mutex> lock_;
  };

  bool ok() const { return loop_.ok() && host_.ok() && mask_keys_.ok(); }
  std::mutex& turn_mutex() { return turn_mutex_; }

  // Any thread: queues commands, in order. Does not wake the service.
  void submit(std::vector<Command>& commands);
  // Any thread: makes the service look at its commands.
  void wake() { loop_.wake(); }

  // One turn; sleeps at most max_wait (negative: without limit), without the lock. Returns when it woke up.
  TimePoint turn(Milliseconds max_wait, TurnLock& lock);
  // What was submitted, without a turn.
  void run_commands();
  // Runs commands and writes, without looking at descriptors: for a thread that found the service asleep.
  void inline_turn();
  // Whether another turn has something to do at once.
  bool has_work() const { return !scheduled_.empty() || !settling_.empty() || loop_.has_left(); }
  // Whether the last turn has left work because it took too long.
  bool overran() const { return has_work() && (cut_short_ || loop_.has_left()); }
  // Whether the service's thread, which was found asleep, would sleep past something that inline_turn() has
  // left to be done.
  bool must_wake() const { return has_work() || loop_.sleeps_past_timer(); }
  // The same as has_work() of a turn that is late: descriptors, timers and commands count as well.
  bool has_waiting_work();
  // Bytes moved since the beginning, weighed by what they cost: see note_work().
  uint64_t work_done() const { return work_done_; }
  // Of turns, and of writes that stand for one; whoever runs them tells how long each took.
  const TurnTimes& turn_times() const { return turn_times_; }
  void note_turn(TurnTimes::Duration took) {
    turn_times_.add(took);
    busy_.store(turn_times_.sum(), std::memory_order_relaxed);
  }
  // Ends all connections without records.
  void shut_down();

  void set_log(Log* log) { log_ = log; }

  // ---- As one of an engine's lanes. Any thread.
  int32_t lane() const { return place_.number; }
  // How many connections it has, those that are under way to it included.
  uint32_t load() const { return load_.load(std::memory_order_relaxed); }
  // One more is under way.
  void expect() { load_.fetch_add(1, std::memory_order_relaxed); }
  // One that was expected has ended, or is not coming.
  void expect_less() { load_.fetch_sub(1, std::memory_order_relaxed); }
  // How long its turns took, altogether.
  TurnTimes::Duration busy() const { return busy_.load(std::memory_order_relaxed); }
  // Runs task after all that was submitted before.
  void ask(EventLoop::Task task);
  // Where connections go that it accepts. To be set before the first turn.
  void set_placement(Placement& placement) { placement_ = &placement; }
  Placement& placement() { return *placement_; }

  // tell is called, once, by the turn after there has been no connection for so long, and when memory that a
  // burst has left behind is freed. Before the first turn.
  void watch_idle(Milliseconds interval, std::function<void()> tell);
  // Any thread: tell is to be called again, after another interval.
  void watch_idle_again();

  // ---- For connections.
  EventLoop& loop() { return loop_; }
  LwsHost& host() { return host_; }
  Resolver& resolver() { return resolver_; }
  Inbox& inbox() { return inbox_; }
  ChunkCache& chunks() { return chunks_; }
  MaskKeySource& mask_keys() { return mask_keys_; }
  DeflatePool& deflate_pool() { return deflate_pool_; }
  uint8_t* receive_buffer() { return receive_buffer_.get(); }
  // Whether sockets are left alone because too much waits for the consumer.
  bool reading_suspended() { return inbox_.is_full(); }
  // Hands over full batches before the turn ends.
  void publish_if_large() {
    if (inbox_.has_full_batch()) inbox_.publish();
  }
  // So many bytes were read or written, or ciphered (counts twice) or compressed (counts ten times).
  void note_work(uint64_t bytes) { work_done_ += bytes; }
  // So much was done in this turn, in bytes copied: whoever goes on asks turn_is_over() now and then, and leaves the
  // rest to the next turn.
  void spend(uint64_t bytes) {
    spent_ += bytes;
    if (spent_ < kLookAtClock) return;
    spent_ = 0;
    loop_.look_at_clock();
  }
  bool turn_is_over() const { return loop_.over(); }
  // service() is called later in this turn, or in the next.
  void schedule(Connection& connection);
  // The same once sockets may be read again; those that were stopped in the middle come first.
  void park(Connection& connection);
  // settle() is called at the end of this turn.
  void settle_later(Connection& connection);
  // The connection is dead and may be forgotten at the end of the turn.
  void forget(Connection& connection);

  Topics& topics() { return topics_; }
  SharedSlab& compressed() { return compressed_; }

  // ---- For servers.
  // Without a socket: gets what the listener of that number accepts on another lane.
  void listen(int32_t id, UniqueFd socket, const ListenerSettings& settings,
              std::shared_ptr<const ServerTls> tls, std::shared_ptr<Admissions> admissions);
  void unlisten(int32_t id);
  // Nobody asks for its counters any more.
  void release_listener(int32_t id);
  // Also one that accepts no more. Null if there is none of that number.
  Listener* listener(int32_t id);
  // A listener has read a request: it becomes a connection, and a Request record.
  void accepted(std::shared_ptr<Transport> transport, std::vector<uint8_t> early,
                RequestValue request);
  // The number of an accepted connection is free again.
  void release_accepted(int32_t id) { free_accepted_.push_back(id); }

  static ChunkPool& chunk_pool();

 private:
  void run(Command& command);
  void run_scheduled();
  void run_settling();
  void unpark();
  void drop_stopped_listeners();
  void pass_on_log();
  void plan_idle();
  void plan_trim();
  void trim();

  Inbox& inbox_;
  Log* log_ = nullptr;
  std::mutex turn_mutex_;
  EventLoop loop_;
  LwsHost host_;
  Resolver resolver_;
  ChunkCache chunks_;
  MaskKeySource mask_keys_;
  DeflatePool deflate_pool_;
  Topics topics_;
  SharedSlab compressed_;  // publications
  std::unique_ptr<uint8_t[]> receive_buffer_;
  TurnTimes turn_times_;
  uint64_t work_done_ = 0;
  uint64_t spent_ = 0;      // since the clock was looked at
  bool cut_short_ = false;  // the last turn has not served all that was scheduled
  const Milliseconds trim_interval_;
  EventLoop::TimerId trim_timer_ = 0;
  Milliseconds idle_interval_ = kIdleInterval;
  std::function<void()> tell_idle_;
  std::atomic<bool> idle_watched_{false};
  EventLoop::TimerId idle_timer_ = 0;

  std::mutex commands_mutex_;
  std::vector<Command> commands_;  // guarded by commands_mutex_

  std::unordered_map<int32_t, std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Listener>>
      stopped_listeners_;  // with handshakes under way, or not released
  const LanePlace place_;
  Placement* placement_ = nullptr;
  std::atomic<uint32_t> load_{0};
  std::atomic<TurnTimes::Duration> busy_{TurnTimes::Duration(0)};
  // Connections that JavaScript makes have odd numbers, those that are accepted even ones, of which each lane has its
  // own.
  int32_t next_accepted_;
  std::vector<int32_t> free_accepted_;

  std::vector<std::shared_ptr<Connection>> connections_;  // each at its place
  std::vector<std::shared_ptr<Connection>> scheduled_;
  std::vector<std::shared_ptr<Connection>> parked_;
  std::vector<std::shared_ptr<Connection>> settling_;
};

}  // namespace vws

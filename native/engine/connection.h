#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/loop.h"
#include "engine/base/shortage.h"
#include "engine/client_opening.h"
#include "engine/events.h"
#include "engine/net/connector.h"
#include "engine/opening.h"
#include "engine/role.h"
#include "engine/sender.h"
#include "engine/topics.h"
#include "engine/upgrade.h"
#include "engine/ws/chunk_queue.h"
#include "engine/ws/deflate.h"
#include "engine/ws/frame_reader.h"
#include "engine/ws/wire_queue.h"

struct ssl_st;

namespace vws {

class Publication;
class Service;

// What of its options a connection needs for as long as it lives.
struct ConnectionSettings {
  Milliseconds handshake_timeout{0};  // until it is established; 0: none
  Milliseconds close_timeout{30000};  // from our Close frame to the end of TCP; 0: none
  uint32_t deflate_threshold = 1024;  // bytes; shorter messages are not compressed
  int8_t deflate_level = 3;
  int8_t deflate_mem_level = 8;
  bool check_utf8 = true;
  bool auto_pong = true;
  bool text_as_bytes = false;
  uint64_t max_message = 0;
  uint64_t max_text = 0;  // where text is more limited; 0: it is not
  uint64_t max_fragments = 0;
  uint32_t max_pending_pongs = 0;      // answers to pings that may wait; 0: bounded by bytes alone
  Milliseconds heartbeat_interval{0};  // 0: none
  Milliseconds heartbeat_timeout{0};
  Milliseconds idle_timeout{0};          // without any traffic; 0: none
  uint64_t publish_limit = 1024 * 1024;  // bytes of publications that wait when others are lost
  bool drop_oldest = false;              // past it; else the newest
  uint32_t publish_threshold = 1024;     // bytes; as deflate_threshold, for publications
  // How long the system may be short of memory for a socket before it is given up.
  Milliseconds starved_limit = Shortage::kLimit;
};

// What a client's connection is to be.
struct ConnectionOptions : ConnectionSettings {
  SocketOptions socket;
  UpgradeRequest request;
};

// What a connection is that is open already: a server's, or one over a stream.
struct AcceptOptions : ConnectionSettings {
  Role role = kServerRole;
  std::optional<DeflateTerms> deflate;
  std::string greeting;        // bytes to be written before the first frame
  std::vector<uint8_t> early;  // frames that have been read already
};

struct ConnectionStats {
  uint64_t messages_in = 0, messages_out = 0;
  uint64_t frames_in = 0, frames_out = 0;
  uint64_t payload_in = 0, payload_out = 0;
  uint64_t wire_in = 0, wire_out = 0;
  uint64_t deflated_in = 0, inflated_in = 0;   // compressed payload, and what it became
  uint64_t plain_out = 0, compressed_out = 0;  // what was compressed, and what it became
  int64_t rtt_us = -1;                         // of the last ping that was answered
};

// One WebSocket of either side, to the end of TCP. How it comes about is its opening's matter. Everything runs on the
// thread that holds the service (Service), and ends in exactly one terminal record: ConnectionError or Redirect if it
// was never established, else Closed.
class Connection final : public std::enable_shared_from_this<Connection>,
                         private IoHandler,
                         private MessageSink,
                         private OpeningListener {
 public:
  // A client's.
  Connection(Service& service, int32_t id, ConnectionOptions options);
  // A server's, whose request waits for accept() or refuse(). early: what has been read behind it.
  Connection(Service& service, int32_t id, std::shared_ptr<Transport> transport,
             std::vector<uint8_t> early);
  // One that is open when it starts.
  Connection(Service& service, int32_t id, std::shared_ptr<Transport> transport,
             AcceptOptions options);
  ~Connection() override;

  int32_t id() const { return id_; }
  Progress& progress() { return progress_; }

  // ---- What JavaScript asks for.
  void start();
  // Decide about a request. The response goes out before anything else.
  void accept(AcceptOptions options);
  void refuse(std::string response);
  void enqueue(Outbound& outbound);
  // A message that others get, too: it goes out in the order of the calls.
  void publish(Publication& publication);
  // Begins the closing handshake behind everything queued, or answers the peer's Close frame; code 0: without
  // code. Before the connection is established: gives up.
  void close(uint16_t code, const std::string& reason);
  void terminate();
  void pause();
  void resume();
  void judge(const std::string& error);
  // The next progress of the queue makes a Flushed record; an empty queue makes one at once.
  void report_progress();
  ConnectionStats stats() const;

  // ---- What the service asks for.
  // Reads and writes what is possible. True if there is more to do at once.
  bool service();
  // The end of a turn: what could not be done inside a callback of the engine.
  void settle();
  // Closes everything without a word to anybody; for the end of the service.
  void abandon();
  bool dead() const { return phase_ == Phase::kDead; }
  // Whether bytes were received that the reader has not taken.
  bool has_unread() const { return !unread_.empty(); }

  bool scheduled = false;  // is in the service's list of that name
  bool parked = false;     // likewise
  size_t place = 0;        // in the service's list of all
  std::unique_ptr<std::vector<Topics::Membership>> memberships;  // null: none; kept by Topics

 private:
  // A direction of the socket that the system may have no memory for, and when that is tried again.
  struct Starved {
    Shortage shortage;
    EventLoop::TimerId timer = 0;
  };
  enum class Phase : uint8_t {
    kIdle,       // not started
    kOpening,    // a client's opening handshake
    kBody,       // of the response that refused a client, as far as JavaScript reads it
    kUndecided,  // a server's: JavaScript accepts or refuses
    kRefused,    // the answer goes out
    kOpen,       // to the end of TCP
    kDead,
  };
  void enter(Phase next);

  // IoHandler
  void on_ready(int fd, uint32_t readiness) override;
  bool try_read() override;
  // OpeningListener
  void on_opened(Opened opened) override;
  void on_opening_failed(ConnectionFailure failure) override;
  void on_refused(ConnectionFailure failure, std::shared_ptr<Transport> transport) override;
  // MessageSink
  bool on_message(bool text, bool ascii, const uint8_t* data, size_t n) override;
  bool on_large_message(bool text, bool ascii, Block block) override;
  bool on_ping(const uint8_t* data, size_t n) override;
  bool on_pong(const uint8_t* data, size_t n) override;
  bool on_inflated(size_t n) override;
  bool on_close(bool has_code, uint16_t code, const uint8_t* reason, size_t n) override;

  // connection.cc: the way up, and the way down
  void fail(ConnectionFailure failure);
  void read_with(const std::optional<DeflateTerms>& deflate);
  void end_undecided();
  void release();
  void cancel_timer(EventLoop::TimerId& timer);
  void begin_close_wait();
  void answer_close();
  void protocol_error();

  // connection_refusal.cc: the body of a refusal
  void report_refusal();
  void want_body();
  bool read_body();
  void end_body(std::string detail);
  void drop_body();

  // connection_io.cc: bytes
  bool read_some();
  bool feed(uint8_t* data, size_t n);
  void on_end_of_stream(std::string detail);
  void write_some();
  void await_writable();
  void stop_writing(std::string detail);
  void after_write(bool progress);
  void add_flushed();
  void put(Outbound& outbound);
  void frame_raw(ChunkQueue& raw, const std::vector<std::shared_ptr<Publication>>& prepared);
  // At the next boundary between frames. As WireQueue::insert().
  uint64_t send_control(uint8_t opcode, const uint8_t* data, size_t n);
  bool answer_ping(const uint8_t* data, size_t n);
  bool may_owe_another_pong();
  void count_pong(uint64_t end);
  void send_close_frame();
  void half_close();
  bool watch_undecided();
  bool serve_refused();
  uint64_t cost() const;
  MaskKey mask_key();
  bool may_read() const;
  // The peer's Close frame, or what it broke, has been reported and is not answered yet.
  bool owes_close() const { return (close_received_ || broken_) && !close_sent_; }
  bool wants_more() const;
  bool took(size_t n);

  // connection_publish.cc
  uint64_t published_in_wire() const;
  uint64_t published_held() const;
  bool wire_has_room() const;
  const SharedBytes* frame_of(Publication& publication, bool* compressed);
  bool put_prepared(Publication& message);
  void put_published(const SharedBytes& frame, uint64_t size, bool compressed);
  void tell_published();
  void hold_behind(Outbound& outbound);
  void release_backlog(bool all);
  bool drop_oldest();
  void count_dropped(uint64_t size);
  void report_dropped();

  // connection_control.cc
  void read_the_rest();
  // A moment of rest for a direction that the system has no memory for. False: it has lasted too long.
  bool rest(Starved& direction);
  void schedule_heartbeat(Milliseconds delay);
  void on_heartbeat();
  void send_beat();
  TimePoint last_sign_of_life();
  Milliseconds next_look() const;
  void note_life();
  void note_beat_written();
  bool note_beat(const std::string& payload);
  void watch_idle();
  void on_idle_look();
  void log(int level, const char* what, const std::string& detail) const;
  void log_failure(const ConnectionFailure& failure) const;

  Service& service_;
  const int32_t id_;
  ConnectionSettings settings_;
  Progress progress_;
  Phase phase_ = Phase::kIdle;

  const Role role_;

  // A client's way up; gone when the connection is established.
  std::unique_ptr<ClientOpening> opening_;
  std::unique_ptr<ConnectionFailure> failure_;  // to be reported by settle()
  bool body_wanted_ = false;                    // of a refusal
  // What a connection takes that is open when it starts.
  std::unique_ptr<AcceptOptions> setup_;

  // Established, or refused.
  std::shared_ptr<Transport> transport_;
  std::unique_ptr<FrameReader> reader_;
  std::unique_ptr<Inflater> inflater_;
  std::unique_ptr<Deflater> deflater_;
  bool readable_ = false;
  bool writable_ = true;
  bool watches_writable_ = false;
  bool write_failed_ = false;
  bool peer_closed_ = false;    // the kernel says that no more will come
  bool hung_up_ = false;        // and that nothing will be taken any more
  bool peer_end_told_ = false;  // while undecided
  Starved starved_out_, starved_in_;
  bool paused_ = false;
  std::vector<uint8_t> unread_;  // arrived with the handshake, or while the reader was paused

  WireQueue wire_;
  std::unique_ptr<ChunkQueue> waiting_raw_;  // sent before the connection was established
  bool wants_flush_ = false;
  std::unique_ptr<std::string> late_pong_;
  // Where answers to pings that are not written yet end in wire_, if they are counted.
  std::unique_ptr<std::vector<uint64_t>> pongs_;
  bool message_compressed_ = false;  // the fragmented message being sent is
  bool message_open_ = false;        // its last fragment is not in wire_

  // What waits behind a socket that is full: publications, and what was sent after them.
  struct Backlog {
    struct Item {
      SharedBytes frame;  // of a publication
      uint64_t size;      // its payload
      bool compressed;
      std::unique_ptr<Outbound> outbound;  // null: a publication
    };
    std::deque<Item> items;
    uint64_t published = 0;  // payload of its publications
    uint64_t count = 0;      // of them
  };
  std::unique_ptr<Backlog> backlog_;
  struct Dropped {
    uint64_t messages = 0;
    uint64_t bytes = 0;
  };
  std::unique_ptr<Dropped> dropped_;  // publications that are lost, until JavaScript is told

  // Closing. What takes room is made when it is needed: ten thousand idle connections notice.
  struct Ending {
    std::string our_reason, peer_reason, detail;
    Excess excess = Excess::kNone;
  };
  Ending& ending();
  std::unique_ptr<Ending> ending_;
  bool close_sent_ = false;     // our Close frame is in wire_
  bool close_flushed_ = false;  // and has been written
  bool close_received_ = false;
  bool broken_ = false;  // the peer broke the protocol: what it sends is discarded
  bool killed_ = false;
  bool terminated_ = false;  // by the program
  uint16_t our_code_ = 0;
  uint16_t peer_code_ = 0;
  EventLoop::TimerId close_timer_ = 0;
  bool ended_ = false;  // TCP has ended; settle() reports it

  // Heartbeat and round trips.
  EventLoop::TimerId heartbeat_timer_ = 0;
  bool heard_ = false;          // something arrived since the last beat
  bool awaiting_beat_ = false;  // nothing has arrived since our ping was queued
  struct Beat {
    uint64_t count = 0;         // of pings; each has its number for a payload
    uint64_t answered = 0;      // the last one answered
    uint64_t wire_end = 0;      // where the last one ends in wire_; 0: written
    bool delivered = false;     // the peer's TCP has it, or we cannot know
    uint64_t delivered_at = 0;  // so many bytes acknowledged mean that; known once it is written
    uint64_t acknowledged = 0;  // by the peer's TCP, when we looked last
    TimePoint written;          // when the last one was
    TimePoint alive;            // the last sign of life since it was queued
  };
  std::unique_ptr<Beat> beat_;  // since the first

  // What has gone over the wire when we looked last, and how often it was the same.
  struct Idle {
    EventLoop::TimerId timer = 0;
    uint64_t wire = 0;
    int looks = 0;
  };
  std::unique_ptr<Idle> idle_;  // only with a timeout

  ConnectionStats stats_;
};

}  // namespace vws

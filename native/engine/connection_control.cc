// What a connection does besides carrying messages: pausing, the heartbeat, its counters.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "engine/connection.h"
#include "engine/log.h"
#include "engine/os/outbound_state.h"
#include "engine/service.h"

namespace vws {

namespace {

// What is still read of a connection that ends while it is paused: what a socket's buffer holds, and more.
constexpr size_t kMostOfTheRest = 8 * 1024 * 1024;

// How often an idle connection is looked at in its timeout.
constexpr int kIdleLooks = 4;

}  // namespace

void Connection::pause() {
  paused_ = true;
  if (hung_up_) service_.schedule(*this);
}

void Connection::resume() {
  if (!paused_) return;
  if (phase_ == Phase::kBody) {
    want_body();
    return;
  }
  paused_ = false;
  service_.schedule(*this);
}

// The connection ends while it is paused. What had arrived comes before the end all the same: as far as the inbox has
// room, and the peer, which may go on sending, does not matter any more.
void Connection::read_the_rest() {
  if (!paused_) return;
  paused_ = false;
  readable_ = true;
  for (size_t left = kMostOfTheRest; left > 0 && (readable_ || !unread_.empty());
       left -= Service::kReadBudget) {
    if (broken_ || close_received_ || !may_read()) return;
    read_some();
  }
}

// ---- A system that is short of memory: nothing tells when that has passed.

bool Connection::rest(Starved& direction) {
  if (direction.timer != 0) return true;
  const auto delay = direction.shortage.next_try(settings_.starved_limit);
  if (!delay) return false;
  direction.timer = service_.loop().after(*delay, [this, &direction] {
    direction.timer = 0;
    if (&direction == &starved_out_) writable_ = !write_failed_;
    service_.schedule(*this);
  });
  return true;
}

// ---- Heartbeat: while nothing arrives, a ping now and then; a peer that gives no sign of life after it is dead.

namespace {

constexpr char kBeatPrefix[] = "beat";

std::string beat_payload(uint64_t number) { return kBeatPrefix + std::to_string(number); }

}  // namespace

void Connection::schedule_heartbeat(Milliseconds delay) {
  heartbeat_timer_ = service_.loop().after(delay, [this] {
    heartbeat_timer_ = 0;
    on_heartbeat();
  });
}

void Connection::on_heartbeat() {
  if (phase_ != Phase::kOpen || ended_ || close_sent_ || close_received_) return;
  // A paused connection hears nothing because it does not listen.
  const bool deaf = paused_ || service_.reading_suspended();
  if (deaf || (heard_ && !awaiting_beat_)) {
    heard_ = false;
    awaiting_beat_ = false;
    schedule_heartbeat(settings_.heartbeat_interval);
    return;
  }
  if (!awaiting_beat_) {
    send_beat();
    schedule_heartbeat(next_look());
    return;
  }
  if (Clock::now() - last_sign_of_life() >= settings_.heartbeat_timeout) {
    // Where turns were late, ours or the timers', what has arrived was not looked at yet.
    readable_ = true;
    if (service()) service_.schedule(*this);
    if (ended_ || !awaiting_beat_) return;
  }
  const auto left = std::chrono::ceil<Milliseconds>(last_sign_of_life() +
                                                    settings_.heartbeat_timeout - Clock::now());
  if (left.count() > 0) {
    schedule_heartbeat(std::min(left, next_look()));
    return;
  }
  killed_ = true;
  on_end_of_stream("no sign of life within " + std::to_string(settings_.heartbeat_timeout.count()) +
                   " ms after a ping");
}

void Connection::send_beat() {
  awaiting_beat_ = true;
  if (!beat_) beat_ = std::make_unique<Beat>();
  Beat& beat = *beat_;
  beat.alive = Clock::now();
  if (const auto state = outbound_state(transport_->fd())) beat.acknowledged = state->acknowledged;
  // One that has not left yet is enough, for a peer that speaks now and then and does not read.
  if (beat.wire_end != 0) return;
  const std::string payload = beat_payload(++beat.count);
  beat.wire_end =
      send_control(kPing, reinterpret_cast<const uint8_t*>(payload.data()), payload.size());
  beat.delivered = beat.wire_end == 0;
  service_.schedule(*this);
}

// When the answer is due to be looked for. As long as the ping is on its way, so often that the time of its delivery
// is known well.
Milliseconds Connection::next_look() const {
  constexpr int kLooks = 4;
  const Milliseconds timeout = settings_.heartbeat_timeout;
  return beat_->delivered ? timeout : std::max(timeout / kLooks, Milliseconds(1));
}

// Until the ping is delivered, what the peer's TCP takes is a sign of life as well: a peer that is slow to read cannot
// answer before it has read what was on its way when we asked. What it takes later is none: its system takes bytes in
// even if the program hangs.
TimePoint Connection::last_sign_of_life() {
  Beat& beat = *beat_;
  if (beat.delivered) return beat.alive;
  const auto state = outbound_state(transport_->fd());
  if (!state) return beat.alive;
  if (state->acknowledged != beat.acknowledged) {
    beat.acknowledged = state->acknowledged;
    beat.alive = std::max(beat.alive, Clock::now() - state->since_acknowledged);
  }
  beat.delivered = beat.wire_end == 0 && state->acknowledged >= beat.delivered_at;
  return beat.alive;
}

// The ping is in the system's hands.
void Connection::note_beat_written() {
  Beat& beat = *beat_;
  if (beat.wire_end == 0 || beat.wire_end > wire_.written()) return;
  beat.wire_end = 0;
  beat.written = beat.alive = Clock::now();
  const auto state = outbound_state(transport_->fd());
  beat.delivered = !state;  // as far as we can know
  if (state) beat.delivered_at = state->acknowledged + state->outstanding;
}

// Something arrived: whatever it is, the peer is alive.
void Connection::note_life() {
  heard_ = true;
  if (!awaiting_beat_) return;
  awaiting_beat_ = false;
  cancel_timer(heartbeat_timer_);
  schedule_heartbeat(settings_.heartbeat_interval);
}

// Whether a pong answers one of our own pings. A peer may answer only the latest (RFC 6455 §5.5.3), and one that is
// slow to read answers one that is not the latest any more.
bool Connection::note_beat(const std::string& payload) {
  if (!beat_ || payload.compare(0, strlen(kBeatPrefix), kBeatPrefix) != 0) return false;
  const uint64_t number = strtoull(payload.c_str() + strlen(kBeatPrefix), nullptr, 10);
  if (number <= beat_->answered || number > beat_->count || payload != beat_payload(number))
    return false;
  beat_->answered = number;
  if (number == beat_->count) {
    stats_.rtt_us =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - beat_->written)
            .count();
    log(kLogLatency, "round trip of ", std::to_string(stats_.rtt_us) + " us");
  }
  return true;
}

// ---- Idle connections: nothing comes and nothing goes, not even pings. Looked at now and then, so that traffic costs
// nothing for it.

void Connection::watch_idle() {
  if (!idle_) idle_ = std::make_unique<Idle>();
  const Milliseconds delay = std::max(settings_.idle_timeout / kIdleLooks, Milliseconds(1));
  idle_->timer = service_.loop().after(delay, [this] {
    idle_->timer = 0;
    on_idle_look();
  });
}

void Connection::on_idle_look() {
  if (phase_ != Phase::kOpen || ended_) return;
  const auto is_quiet = [this] {
    // A paused connection hears nothing because it does not listen.
    const bool deaf = paused_ || service_.reading_suspended();
    const uint64_t wire = stats_.wire_in + stats_.wire_out;
    return !deaf && std::exchange(idle_->wire, wire) == wire;
  };
  idle_->looks = is_quiet() ? idle_->looks + 1 : 0;
  if (idle_->looks > kIdleLooks) {
    // Where turns were late, ours or the timers', what has arrived was not looked at yet.
    readable_ = true;
    if (service()) service_.schedule(*this);
    if (ended_) return;
    if (is_quiet()) {
      ending().excess = Excess::kIdle;
      killed_ = true;
      on_end_of_stream("no traffic for " + std::to_string(settings_.idle_timeout.count()) + " ms");
      return;
    }
    idle_->looks = 0;
  }
  watch_idle();
}

ConnectionStats Connection::stats() const {
  ConnectionStats stats = stats_;
  if (reader_) {
    const ReaderStats& reading = reader_->stats();
    stats.frames_in = reading.frames;
    stats.payload_in = reading.payload_bytes;
    stats.deflated_in = reading.deflated_bytes;
    stats.inflated_in = reading.inflated_bytes;
  }
  return stats;
}

// ---- The log: which level shows what is said in docs/logging.md

// What the engine would log if it still saw to established connections itself.
void Connection::log(int level, const char* what, const std::string& detail) const {
  Log::write_of(level, id_, what, detail);
}

void Connection::log_failure(const ConnectionFailure& failure) const {
  if (failure.code == "ERR_REDIRECT") {
    log(kLogNotice, "answered by a redirect to ", failure.location);
  } else if (failure.code == "ERR_CONNECTION_ABORTED") {
    // The program's own wish.
    log(kLogUser, "given up: ", failure.detail);
  } else {
    // Without a code of its own, the engine's words are the reason.
    const bool coded = failure.code != "ENGINE";
    log(kLogError, "failed: ", (coded ? failure.code : failure.reason) + ", " + failure.detail);
  }
}

}  // namespace vws

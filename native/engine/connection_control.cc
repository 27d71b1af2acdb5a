// What a connection does besides carrying messages: pausing, the heartbeat, its counters.

#include "engine/connection.h"
#include "engine/service.h"

namespace vws {

void Connection::pause() { paused_ = true; }

void Connection::resume() {
  if (!paused_) return;
  paused_ = false;
  service_.schedule(*this);
}

// ---- Heartbeat: while nothing arrives, a ping now and then; a peer that does not answer is dead.

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
  if (awaiting_beat_) {
    killed_ = true;
    on_end_of_stream("no answer to a ping within " +
                     std::to_string(settings_.heartbeat_timeout.count()) + " ms");
    return;
  }
  awaiting_beat_ = true;
  if (!beat_) beat_ = std::make_unique<Beat>();
  beat_->sent = Clock::now();
  beat_->payload = "beat" + std::to_string(++beat_->count);
  send_control(kPing, reinterpret_cast<const uint8_t*>(beat_->payload.data()),
               beat_->payload.size());
  service_.schedule(*this);
  schedule_heartbeat(settings_.heartbeat_timeout);
}

// Something arrived: whatever it is, the peer is alive.
void Connection::note_life() {
  heard_ = true;
  if (!awaiting_beat_) return;
  awaiting_beat_ = false;
  cancel_timer(heartbeat_timer_);
  schedule_heartbeat(settings_.heartbeat_interval);
}

// Whether a pong answers our own ping.
bool Connection::note_beat(const std::string& payload) {
  if (!beat_ || beat_->payload.empty() || payload != beat_->payload) return false;
  beat_->payload.clear();
  stats_.rtt_us =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - beat_->sent).count();
  return true;
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

}  // namespace vws

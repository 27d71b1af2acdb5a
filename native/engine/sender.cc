#include "engine/sender.h"

#include <cstring>
#include <utility>

#include "engine/publication.h"

namespace vws {

Sender::Sender(ChunkCache& cache, MaskKeySource& keys, std::shared_ptr<Progress> progress,
               Limits limits, bool masks)
    : cache_(cache), keys_(keys), progress_(std::move(progress)), limits_(limits), masks_(masks) {}

Outbound& Sender::stage() {
  if (!staged_) staged_ = std::make_unique<Outbound>(cache_);
  return *staged_;
}

uint8_t* Sender::begin(size_t bound, size_t likely, SendOptions options, SendResult* refused) {
  if (shut_) {
    *refused = SendResult::kClosed;
    return nullptr;
  }
  if (likely > kMaxMessage || bound > 4 * kMaxMessage - 64 || !fits(likely)) {
    *refused = SendResult::kLimit;
    return nullptr;
  }
  options_ = options;
  options_.masked = options.masked && masks_;
  raw_ = nullptr;
  if (frames_here_) {
    if (slot_.open(stage().framed, bound, likely, options_.masked)) return slot_.payload();
  } else {
    raw_ = stage().raw.reserve(sizeof(RawMessage) + bound);
    if (raw_) return raw_ + sizeof(RawMessage);
  }
  *refused = SendResult::kNoMemory;
  return nullptr;
}

SendResult Sender::end(size_t n) {
  if (raw_) {
    const RawMessage head{static_cast<uint32_t>(n), options_.opcode, options_.fin,
                          options_.compress,        options_.masked, false};
    memcpy(raw_, &head, sizeof head);
    staged_->raw.commit(sizeof head + n);
  } else {
    const MaskKey key = options_.masked ? keys_.next() : MaskKey{};
    slot_.close({options_.opcode, options_.fin, false}, n, options_.masked ? &key : nullptr);
    count_frame(n, options_);
  }
  return account(n);
}

SendResult Sender::send(const uint8_t* data, size_t n, SendOptions options) {
  if (frames_here_ && !shut_ && n <= kMaxMessage && fits(n)) {
    const bool masked = options.masked && masks_;
    const MaskKey key = masked ? keys_.next() : MaskKey{};
    if (!append_frame(stage().framed, {options.opcode, options.fin, false}, data, n,
                      masked ? &key : nullptr)) {
      return SendResult::kNoMemory;
    }
    count_frame(n, options);
    return account(n);
  }
  SendResult refused = SendResult::kOk;
  uint8_t* payload = begin(n, n, options, &refused);
  if (!payload) return refused;
  if (n) memcpy(payload, data, n);
  return end(n);
}

SendResult Sender::send(const std::shared_ptr<Publication>& message) {
  const size_t n = message->size();
  SendOptions options;
  options.opcode = message->opcode();
  if (!message->may_compress()) options.compress = Compress::kNever;
  if (masks_) return send(message->payload(), n, options);
  if (shut_) return SendResult::kClosed;
  if (!fits(n)) return SendResult::kLimit;
  if (frames_here_) {
    if (!stage().framed.append(message->plain())) return SendResult::kNoMemory;
    count_frame(n, options);
    return account(n);
  }
  const RawMessage head{static_cast<uint32_t>(n), options.opcode, true,
                        options.compress,         false,          true};
  uint8_t* const to = stage().raw.reserve(sizeof head);
  if (!to) return SendResult::kNoMemory;
  memcpy(to, &head, sizeof head);
  staged_->raw.commit(sizeof head);
  staged_->prepared.push_back(message);
  return account(n);
}

void Sender::count_frame(size_t n, const SendOptions& options) {
  staged_->payload += n;
  ++staged_->frames;
  if (options.opcode < kClose) staged_->ends_open = !options.fin;
  if (options.fin && options.opcode < kClose) ++staged_->messages;
}

SendResult Sender::account(size_t n) {
  queued_ += n;
  ++frames_queued_;
  if (held() <= limits_.high_water) return SendResult::kOk;
  progress_->drained_at.store(frames_queued_);
  return SendResult::kFull;
}

std::unique_ptr<Outbound> Sender::take() {
  if (staged() == 0) return nullptr;
  return std::move(staged_);
}

}  // namespace vws

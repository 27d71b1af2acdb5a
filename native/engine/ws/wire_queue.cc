#include "engine/ws/wire_queue.h"

#include <algorithm>

namespace vws {

namespace {

// Bytes of publications that share a mark.
constexpr uint64_t kRun = 4 * 1024;

// Marks that have passed and may lie before the others.
constexpr size_t kManyMarks = 1024;

// Of the frame at the cursor, which moves behind its header's first bytes.
uint64_t frame_size_at(ChunkQueue::Cursor& cursor, size_t* looked_at) {
  cursor.next();
  const uint8_t second = cursor.next();
  const bool masked = (second & 0x80) != 0;
  uint64_t payload = second & 0x7f;
  const size_t extended = payload == 126 ? 2 : payload == 127 ? 8 : 0;
  if (extended != 0) payload = 0;
  for (size_t i = 0; i < extended; ++i) payload = payload << 8 | cursor.next();
  *looked_at = 2 + extended;
  return *looked_at + (masked ? 4 : 0) + payload;
}

}  // namespace

uint64_t WireQueue::inserted_waiting() const {
  uint64_t waiting = 0;
  for (const Run& run : runs_) waiting += run.end - std::max(run.begin, written_);
  return waiting;
}

// Behind so many bytes that were appended, with what has been counted of them.
void WireQueue::add_mark(size_t bytes) {
  in_run_ = false;
  queued_ += bytes;
  appended_ += bytes;
  marks_.push_back(
      {appended_, payload_queued_, frames_queued_, published_queued_, publications_queued_});
}

bool WireQueue::begin_with(const std::string& bytes) {
  uint8_t* const to = bytes_.reserve(bytes.size());
  if (!to) return false;
  std::copy(bytes.begin(), bytes.end(), to);
  bytes_.commit(bytes.size());
  queued_ += bytes.size();
  appended_ += bytes.size();
  boundary_ = queued_;
  return true;
}

void WireQueue::append(ChunkQueue& bytes, uint64_t payload, uint64_t frames) {
  const size_t size = bytes.size();
  bytes_.splice(bytes);
  payload_queued_ += payload;
  frames_queued_ += frames;
  add_mark(size);
}

bool WireQueue::append(FrameHead head, const uint8_t* data, size_t n, const MaskKey* key,
                       uint64_t payload) {
  const size_t before = bytes_.size();
  if (!append_frame(bytes_, head, data, n, key)) return false;
  payload_queued_ += payload;
  ++frames_queued_;
  add_mark(bytes_.size() - before);
  return true;
}

bool WireQueue::append(const SharedBytes& frame, uint64_t payload) {
  if (!bytes_.append(frame)) return false;
  payload_queued_ += payload;
  ++frames_queued_;
  add_mark(frame.size());
  return true;
}

bool WireQueue::append_published(const SharedBytes& frame, uint64_t payload) {
  if (!bytes_.append(frame)) return false;
  published_queued_ += payload;
  ++publications_queued_;
  // Small ones in a row share a mark: many connections get many of them.
  if (in_run_ && first_mark_ < marks_.size() && appended_ + frame.size() - run_begin_ <= kRun) {
    marks_.pop_back();
    add_mark(frame.size());
  } else {
    run_begin_ = appended_;
    add_mark(frame.size());
  }
  in_run_ = true;
  return true;
}

bool WireQueue::append_close(uint16_t code, const uint8_t* reason, size_t n, const MaskKey* key) {
  const size_t before = bytes_.size();
  if (!vws::append_close(bytes_, code, reason, n, key)) return false;
  close_size_ = bytes_.size() - before;
  queued_ += close_size_;
  appended_ += close_size_;
  return true;
}

uint64_t WireQueue::insert(uint8_t opcode, const uint8_t* data, size_t n, const MaskKey* key) {
  const uint64_t at = std::max(boundary_, inserted_end_);
  if (at > queued_ - close_size_) return 0;
  uint8_t frame[kMaxFrameHeader + kMaxControlPayload];
  const size_t header = frame_header(frame, opcode, true, false, n, key);
  if (key != nullptr) {
    if (n != 0) mask_copy(frame + header, data, n, *key, 0);
  } else {
    std::copy(data, data + n, frame + header);
  }
  if (!bytes_.insert(static_cast<size_t>(at - written_), frame, header + n)) return 0;
  inserted_end_ = at + header + n;
  queued_ += header + n;
  if (!runs_.empty() && runs_.back().end == at) {
    runs_.back().end = inserted_end_;
  } else {
    runs_.push_back({at, inserted_end_});
  }
  return inserted_end_;
}

// Of inserted frames there are few at a time.
void WireQueue::pass_runs() {
  size_t passed = 0;
  for (; passed < runs_.size() && runs_[passed].end <= written_; ++passed) {
    inserted_written_ += runs_[passed].end - runs_[passed].begin;
  }
  runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(passed));
}

bool WireQueue::pass_marks() {
  const uint64_t whole = runs_.empty() ? written_ : std::min(written_, runs_.front().begin);
  const uint64_t appended = whole - inserted_written_;
  bool progress = false;
  while (first_mark_ < marks_.size() && marks_[first_mark_].end <= appended) {
    last_mark_ = marks_[first_mark_].end;
    const Mark& mark = marks_[first_mark_++];
    frames_written_ = mark.frames;
    payload_written_ = mark.payload;
    published_written_ = mark.published;
    publications_written_ = mark.publications;
    progress = true;
  }
  if (first_mark_ == marks_.size()) {
    first_mark_ = 0;
    // Idle connections keep nothing.
    std::vector<Mark>().swap(marks_);
  } else if (first_mark_ >= kManyMarks) {
    marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(first_mark_));
    first_mark_ = 0;
  }
  return progress;
}

// From a boundary that is known, and whose bytes are still there, to the first one that is not before fixed. Only
// needed when a socket did not take everything.
void WireQueue::find_boundary(uint64_t fixed, uint64_t known) {
  const uint64_t front = queued_ - bytes_.size();
  ChunkQueue::Cursor cursor(bytes_);
  cursor.skip(known - front);
  boundary_ = known;
  while (boundary_ < fixed) {
    size_t looked_at = 0;
    const uint64_t size = frame_size_at(cursor, &looked_at);
    boundary_ += size;
    if (boundary_ < fixed) cursor.skip(size - looked_at);
  }
}

bool WireQueue::consume(size_t n, size_t sealed) {
  const bool plain = runs_.empty();
  written_ += n;
  if (!plain) pass_runs();
  const bool progress = pass_marks();
  const uint64_t fixed = written_ + sealed;
  if (fixed == queued_) {
    boundary_ = fixed;
  } else if (boundary_ < fixed) {
    // Marks are boundaries too. Where frames were inserted meanwhile, what they stand for is not worth working out.
    find_boundary(fixed, plain ? std::max(boundary_, last_mark_ + inserted_written_) : boundary_);
  }
  bytes_.consume(n);
  return progress;
}

void WireQueue::clear() {
  bytes_.clear();
  std::vector<Mark>().swap(marks_);
  std::vector<Run>().swap(runs_);
  first_mark_ = 0;
  boundary_ = queued_ = written_;
}

}  // namespace vws

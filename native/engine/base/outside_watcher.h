#pragma once

#include <atomic>

#include "engine/base/watch_table.h"

namespace vws {

// What changes while somebody else (Node's loop) sleeps on the loop's descriptor instead of the loop itself. Whoever
// does knows that something is ready, not what: to ask the system is a call more for each message. While one descriptor
// alone has something to say, it is read unasked. Nothing is lost by that: what stays ready keeps the loop's descriptor
// readable.
class OutsideWatcher {
 public:
  // Any thread.
  void set_present(bool present) { present_.store(present); }
  bool is_present() const { return present_.load(); }

  // What follows belongs to the thread that runs the loop.

  // Whether there is a guess for this turn.
  bool may_guess() const { return right_ >= 0 && present_.load(std::memory_order_relaxed); }
  // Reads the descriptor that is likely to be ready. False: it was not, and the system is to be asked.
  bool guess(const WatchTable& watches);
  // The system has told: only_fd alone is ready, or more than one (-1).
  void learn(int only_fd) {
    right_ = only_fd >= 0 && only_fd == fd_ ? 0 : -1;
    fd_ = only_fd;
  }
  void forget(int fd) {
    if (fd == fd_) learn(-1);
  }

 private:
  // So many turns without asking, so that one that always has something does not starve the others.
  static constexpr int kMostInARow = 16;

  std::atomic<bool> present_{false};
  // The only one that was ready when the system was asked last.
  int fd_ = -1;
  // How often it was right since; negative: it was not yet the only one twice in a row.
  int right_ = -1;
};

}  // namespace vws

#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/io_handler.h"
#include "engine/os/poller.h"

namespace vws {

// Which descriptors a loop watches, and for whom. Belongs to the thread that runs the loop.
class WatchTable {
 public:
  explicit WatchTable(Poller& poller) : poller_(poller) {}
  WatchTable(const WatchTable&) = delete;
  WatchTable& operator=(const WatchTable&) = delete;

  // As EventLoop's.
  bool watch(int fd, uint32_t interest, IoHandler* handler);
  void unwatch(int fd);
  void hand_on(int fd);
  // Between turns: nobody has come for what was handed on and is still here.
  void drop_handed_on();

  // Whom an event of the poller is for. Null: it is of an earlier watch() of the same descriptor.
  IoHandler* handler_of(uint64_t token) const {
    const size_t fd = static_cast<size_t>(fd_of(token));
    if (fd >= watches_.size()) return nullptr;
    const Watch& entry = watches_[fd];
    return entry.generation == static_cast<uint32_t>(token >> 32) ? entry.handler : nullptr;
  }
  // Whoever watches the descriptor as kReadable | kEdge, or null.
  IoHandler* reader_of(int fd) const {
    if (fd < 0 || static_cast<size_t>(fd) >= watches_.size()) return nullptr;
    const Watch& entry = watches_[static_cast<size_t>(fd)];
    return entry.only_reads ? entry.handler : nullptr;
  }
  // Negative for the poller's own tokens.
  static int fd_of(uint64_t token) { return static_cast<int>(static_cast<uint32_t>(token)); }

 private:
  struct Watch {
    IoHandler* handler = nullptr;  // null: not watched
    bool registered = false;       // the system watches it, perhaps for nobody
    uint32_t generation = 0;       // tells an event of an earlier watch() of the same descriptor
    bool only_reads = false;       // watched as kReadable | kEdge
  };

  Poller& poller_;
  std::vector<Watch> watches_;  // indexed by descriptor
  std::vector<int> handed_on_;  // in this turn
  uint32_t next_generation_ = 0;
};

}  // namespace vws

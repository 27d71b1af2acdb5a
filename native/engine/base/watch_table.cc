#include "engine/base/watch_table.h"

#include <algorithm>

namespace vws {

bool WatchTable::watch(int fd, uint32_t interest, IoHandler* handler) {
  const size_t index = static_cast<size_t>(fd);
  if (index >= watches_.size()) watches_.resize(std::max(index + 1, watches_.size() * 2));
  Watch& entry = watches_[index];
  const bool known = entry.registered;
  // Always another one: whoever sleeps on the loop may hold an event of what the descriptor was until now, and
  // the system looks again at what is watched anew.
  entry.generation = ++next_generation_;
  entry.handler = handler;
  entry.registered = true;
  entry.only_reads = interest == (kReadable | kEdge);
  const uint64_t token =
      (static_cast<uint64_t>(entry.generation) << 32) | static_cast<uint32_t>(fd);
  if (poller_.watch(fd, interest, token, known)) return true;
  entry.handler = nullptr;
  entry.registered = false;
  return false;
}

void WatchTable::unwatch(int fd) {
  const size_t index = static_cast<size_t>(fd);
  if (fd < 0 || index >= watches_.size() || !watches_[index].registered) return;
  watches_[index].handler = nullptr;
  watches_[index].registered = false;
  poller_.unwatch(fd);
}

void WatchTable::hand_on(int fd) {
  const size_t index = static_cast<size_t>(fd);
  if (fd < 0 || index >= watches_.size() || !watches_[index].handler) return;
  watches_[index].handler = nullptr;
  handed_on_.push_back(fd);
}

void WatchTable::drop_handed_on() {
  for (const int fd : handed_on_) {
    if (!watches_[static_cast<size_t>(fd)].handler) unwatch(fd);
  }
  handed_on_.clear();
}

}  // namespace vws

#include "engine/base/outside_watcher.h"

namespace vws {

bool OutsideWatcher::guess(const WatchTable& watches) {
  IoHandler* const reader = ++right_ <= kMostInARow ? watches.reader_of(fd_) : nullptr;
  if (reader && reader->try_read()) return true;
  right_ = -1;
  return false;
}

}  // namespace vws

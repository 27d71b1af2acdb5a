#pragma once

#include <ctime>

#include <cstdlib>

namespace vws::test {

// One input must not cost more: whatever a peer sends, no parser works at it for long. Counts the thread's own time, so
// that a busy machine is no finding.
class CpuLimit {
 public:
  explicit CpuLimit(double seconds) : end_(now() + seconds) {}
  CpuLimit(const CpuLimit&) = delete;
  CpuLimit& operator=(const CpuLimit&) = delete;
  ~CpuLimit() {
    if (now() > end_) std::abort();
  }

 private:
  static double now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  }

  double end_;
};

}  // namespace vws::test

#pragma once

#ifndef _WIN32
#include <pthread.h>
#endif

#include <functional>

namespace vws {

// A thread that is joined when its owner goes. Signals are not delivered to it: they are for the threads of
// the host program.
class Thread {
 public:
  Thread() = default;
  ~Thread() { join(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Runs body on a thread of that name (a literal of 15 characters at most); once. 0, or the error: EAGAIN where the
  // system allows no more threads.
  int start(const char* name, std::function<void()> body);
  bool running() const { return running_; }
  // Waits for its end, if it was started.
  void join();

 private:
#ifdef _WIN32
  using Handle = void*;
#else
  using Handle = pthread_t;
  static void* main(void* self);
#endif

  const char* name_ = "";
  std::function<void()> body_;
  Handle thread_{};
  bool running_ = false;
};

// Runs body on a thread that nobody waits for, and on which no signals are delivered either: it may use nothing that
// ends before it. 0, or the error if the system allows no thread; nothing is run then.
int run_detached(const char* name, std::function<void()> body);

// Asks the scheduler, once, to let this thread work for longer at a time, and later for it: from then on whoever wakes
// up on its processor goes first. Its share of the processor stays what it is. Only Linux from 6.12 on heeds it, and
// under a filter of system calls (seccomp) nothing is asked.
void let_others_first();

// How many processors this thread may use at once, at least 1: those of its affinity mask, where the system has one,
// which a container or taskset(1) may have narrowed.
unsigned usable_processors();
// Those of the machine, on which its other processes may run.
unsigned all_processors();

}  // namespace vws

#include "engine/base/thread.h"

#include <csignal>
#include <utility>

namespace vws {

int Thread::start(const char* name, std::function<void()> body) {
  body_ = std::move(body);
  // A new thread inherits the mask.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&thread_, nullptr, &Thread::main, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return error;
  running_ = true;
  pthread_setname_np(thread_, name);
  return 0;
}

void Thread::join() {
  if (!std::exchange(running_, false)) return;
  pthread_join(thread_, nullptr);
}

// The new thread.
void* Thread::main(void* self) {
  static_cast<Thread*>(self)->body_();
  return nullptr;
}

}  // namespace vws

#ifdef _WIN32

#include "engine/os/poller_afd.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/os/afd.h"

namespace vws {

namespace {

enum Direction : size_t { kReading, kWriting, kIdling };
constexpr size_t kDirections = 3;

ULONG events_of(size_t direction) {
  constexpr ULONG kAlways = os::kAfdAbort | os::kAfdConnectFail | os::kAfdLocalClose;
  switch (direction) {
    case kReading:
      return kAlways | os::kAfdReceive | os::kAfdDisconnect | os::kAfdAccept;
    case kWriting:
      return kAlways | os::kAfdSend;
    default:
      return kAlways;
  }
}

uint32_t readiness_of(ULONG events) {
  uint32_t readiness = 0;
  if (events & (os::kAfdReceive | os::kAfdAccept)) readiness |= kReadable;
  if (events & os::kAfdDisconnect) readiness |= kReadable | kPeerClosed;
  if (events & os::kAfdSend) readiness |= kWritable;
  if (events & os::kAfdAbort) readiness |= kReadable | kPeerClosed | kHangup | kError;
  if (events & os::kAfdConnectFail) readiness |= kReadable | kWritable | kHangup | kError;
  return readiness;
}

// Which the port tells of events that are not polls'.
constexpr ULONG_PTR kWakeKey = 1;
constexpr ULONG_PTR kLookKey = 2;  // there is something to be polled for, or over

}  // namespace

// ---- The port

class Poller::Port {
 public:
  explicit Port(HANDLE port) : port_(port), handles_(port) {}
  ~Port();

  bool ok();
  bool watch(int fd, uint32_t interest, uint64_t token);
  void unwatch(int fd);
  int wait(Batch& batch, int timeout);
  void wake() { PostQueuedCompletionStatus(port_, 0, kWakeKey, nullptr); }
  void expire_at(TimePoint time);
  bool has_events();
  void sleep(const std::atomic<bool>* over);
  void rouse();

  // Of any thread, by the descriptor alone.
  static void note(int fd, size_t direction);

 private:
  struct Watched;
  // One that is under way: the system writes to it until the port tells of it.
  struct Poll {
    IO_STATUS_BLOCK status{};
    os::AfdPollInfo info{};
    Watched* watched = nullptr;  // null: nobody wants to know any more
    size_t direction = 0;
    size_t place = 0;
  };
  struct Watched {
    int fd = -1;
    HANDLE base = nullptr;
    uint32_t interest = 0;
    uint64_t token = 0;
    bool again[kDirections] = {};  // to be polled for; it is in again_ then
    Poll* polls[kDirections] = {};
  };
  // Who watches a descriptor, among all ports.
  struct Registry {
    SRWLOCK lock = SRWLOCK_INIT;
    std::unordered_map<int, Port*> ports;
  };

  static Registry& registry() {
    // Never destroyed: threads may end after static objects do.
    static Registry& all = *new Registry;
    return all;
  }

  static bool wants(const Watched& watched, size_t direction) {
    if (direction == kReading) return (watched.interest & kReadable) != 0;
    if (direction == kWriting) return (watched.interest & kWritable) != 0;
    return (watched.interest & (kReadable | kWritable)) == 0;
  }

  // All under mutex_.
  void want(Watched& watched, size_t direction);
  void begin_wanted();
  void begin(Watched& watched, size_t direction);
  void tell(const Watched& watched, uint32_t readiness) {
    ready_.push_back({watched.token, readiness});
  }
  void finish(Poll* poll);
  bool look();
  int take_out(Batch& batch);
  int limit_of(TimePoint until) const;

  // Waits for what the port tells, without mutex_, and takes it in.
  void collect(int timeout);
  // Until there is something to be told. False: it was over before.
  bool await(std::unique_lock<std::mutex>& lock, TimePoint until,
             const std::atomic<bool>* over = nullptr);
  // What threads that wait go by has changed.
  void tell_waiting();

  HANDLE port_;
  os::AfdHandles handles_;
  std::mutex mutex_;
  std::unordered_map<int, std::unique_ptr<Watched>> watched_;
  std::deque<Event> ready_;
  std::vector<int> again_;
  TimePoint expires_at_ = TimePoint::max();
  // Of the threads that wait, one waits for the port: what it finds there, or is told there, is for all of them.
  bool at_port_ = false;
  std::condition_variable others_;
  size_t polls_ = 0;  // under way
};

Poller::Port::~Port() {
  while (!watched_.empty()) unwatch(watched_.begin()->first);
  while (polls_ > 0) collect(INFINITE);
  // The handles go behind it.
  CloseHandle(port_);
}

bool Poller::Port::ok() {
  size_t place = 0;
  if (!handles_.take(&place)) return false;
  handles_.give(place);
  return true;
}

bool Poller::Port::watch(int fd, uint32_t interest, uint64_t token) {
  const HANDLE base = os::base_of(fd);
  if (!base) return false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::unique_ptr<Watched>& place = watched_[fd];
    if (!place) place = std::make_unique<Watched>();
    Watched& watched = *place;
    watched.fd = fd;
    watched.base = base;
    watched.interest = interest;
    watched.token = token;
    for (size_t direction = 0; direction < kDirections; ++direction) want(watched, direction);
  }
  Registry& all = registry();
  AcquireSRWLockExclusive(&all.lock);
  all.ports[fd] = this;
  ReleaseSRWLockExclusive(&all.lock);
  return true;
}

void Poller::Port::unwatch(int fd) {
  Registry& all = registry();
  AcquireSRWLockExclusive(&all.lock);
  const auto known = all.ports.find(fd);
  if (known != all.ports.end() && known->second == this) all.ports.erase(known);
  ReleaseSRWLockExclusive(&all.lock);
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = watched_.find(fd);
  if (found == watched_.end()) return;
  for (Poll* const poll : found->second->polls) {
    if (!poll) continue;
    poll->watched = nullptr;
    // Which begins with what a status block is.
    CancelIoEx(handles_.at(poll->place), reinterpret_cast<OVERLAPPED*>(&poll->status));
  }
  watched_.erase(found);
}

void Poller::Port::want(Watched& watched, size_t direction) {
  if (watched.again[direction] || watched.polls[direction] || !wants(watched, direction)) return;
  watched.again[direction] = true;
  again_.push_back(watched.fd);
  if (at_port_) PostQueuedCompletionStatus(port_, 0, kLookKey, nullptr);
}

void Poller::Port::note(int fd, size_t direction) {
  Registry& all = registry();
  AcquireSRWLockShared(&all.lock);
  const auto known = all.ports.find(fd);
  if (known != all.ports.end()) {
    Port& port = *known->second;
    const std::lock_guard<std::mutex> lock(port.mutex_);
    const auto found = port.watched_.find(fd);
    if (found != port.watched_.end()) port.want(*found->second, direction);
  }
  ReleaseSRWLockShared(&all.lock);
}

void Poller::Port::begin_wanted() {
  for (const int fd : std::exchange(again_, {})) {
    const auto found = watched_.find(fd);
    if (found == watched_.end()) continue;
    Watched& watched = *found->second;
    for (size_t direction = 0; direction < kDirections; ++direction) {
      if (!std::exchange(watched.again[direction], false)) continue;
      if (!watched.polls[direction] && wants(watched, direction)) begin(watched, direction);
    }
  }
}

void Poller::Port::begin(Watched& watched, size_t direction) {
  auto poll = std::make_unique<Poll>();
  if (!handles_.take(&poll->place)) return tell(watched, kHangup | kError);
  poll->watched = &watched;
  poll->direction = direction;
  poll->status.Status = os::kPending;
  poll->info.timeout.QuadPart = INT64_MAX;
  poll->info.count = 1;
  poll->info.handle = watched.base;
  poll->info.events = events_of(direction);
  const NTSTATUS status = NtDeviceIoControlFile(
      handles_.at(poll->place), nullptr, nullptr, poll.get(), &poll->status, os::kAfdPoll,
      &poll->info, sizeof poll->info, &poll->info, sizeof poll->info);
  if (status != os::kSuccess && status != os::kPending) {
    handles_.give(poll->place);
    return tell(watched, kHangup | kError);
  }
  // The port tells of it, even if it has ended already.
  ++polls_;
  watched.polls[direction] = poll.release();
}

void Poller::Port::finish(Poll* ended) {
  const std::unique_ptr<Poll> poll(ended);
  --polls_;
  handles_.give(poll->place);
  if (!poll->watched) return;
  Watched& watched = *poll->watched;
  watched.polls[poll->direction] = nullptr;
  if (!wants(watched, poll->direction)) return;
  // Not by us: the thread that has begun it may have ended.
  if (poll->status.Status == os::kCancelled) return want(watched, poll->direction);
  if (poll->status.Status != os::kSuccess) return tell(watched, kHangup | kError);
  const ULONG events = poll->info.count == 0 ? 0 : poll->info.events;
  if (events & os::kAfdLocalClose) {
    // Closed without a word; what has its number now, if watched since, is another socket.
    watched.base = os::base_of(watched.fd);
    if (watched.base) want(watched, poll->direction);
    return;
  }
  if (events != 0) tell(watched, readiness_of(events));
  if (events == 0 || !(watched.interest & kEdge)) want(watched, poll->direction);
}

void Poller::Port::collect(int timeout) {
  OVERLAPPED_ENTRY entries[kMostEvents];
  ULONG count = 0;
  if (!GetQueuedCompletionStatusEx(port_, entries, kMostEvents, &count, static_cast<DWORD>(timeout),
                                   FALSE))
    return;
  const std::lock_guard<std::mutex> lock(mutex_);
  for (ULONG i = 0; i < count; ++i) {
    if (entries[i].lpCompletionKey == kWakeKey) {
      ready_.push_back({kWakeToken, kReadable});
    } else if (entries[i].lpCompletionKey == kLookKey) {
      // Who only looks in takes it from nobody.
      if (timeout == 0 && at_port_) PostQueuedCompletionStatus(port_, 0, kLookKey, nullptr);
    } else if (entries[i].lpOverlapped) {
      finish(reinterpret_cast<Poll*>(entries[i].lpOverlapped));
    }
  }
}

bool Poller::Port::look() {
  if (expires_at_ <= Clock::now()) {
    expires_at_ = TimePoint::max();
    ready_.push_back({kTimerToken, kReadable});
  }
  return !ready_.empty();
}

// Milliseconds, as the port wants them: at least so long.
int Poller::Port::limit_of(TimePoint until) const {
  until = std::min(until, expires_at_);
  if (until == TimePoint::max()) return static_cast<int>(INFINITE);
  const auto left = std::chrono::ceil<Milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 24 * 3600 * 1000));
}

void Poller::Port::tell_waiting() {
  if (at_port_) PostQueuedCompletionStatus(port_, 0, kLookKey, nullptr);
  others_.notify_all();
}

bool Poller::Port::await(std::unique_lock<std::mutex>& lock, TimePoint until,
                         const std::atomic<bool>* over) {
  for (;;) {
    begin_wanted();
    // Even if there is something: what the port has is not to wait for it.
    const int timeout = look() || (over && over->load()) ? 0 : limit_of(until);
    const bool sleeps = timeout != 0;
    if (sleeps && at_port_ && timeout < 0) {
      others_.wait(lock);
    } else if (sleeps && at_port_) {
      others_.wait_for(lock, Milliseconds(timeout));
    } else {
      if (sleeps) at_port_ = true;
      lock.unlock();
      collect(timeout);
      lock.lock();
      if (sleeps) {
        at_port_ = false;
        others_.notify_all();
      }
    }
    if (look()) return true;
    if ((over && over->load()) || Clock::now() >= until) return false;
  }
}

int Poller::Port::take_out(Batch& batch) {
  int count = 0;
  while (count < kMostEvents && !ready_.empty()) {
    batch.events_[static_cast<size_t>(count++)] = ready_.front();
    ready_.pop_front();
  }
  return count;
}

int Poller::Port::wait(Batch& batch, int timeout) {
  const TimePoint until = timeout < 0 ? TimePoint::max() : Clock::now() + Milliseconds(timeout);
  std::unique_lock<std::mutex> lock(mutex_);
  await(lock, until);
  const int count = take_out(batch);
  if (!ready_.empty()) tell_waiting();
  return count;
}

bool Poller::Port::has_events() {
  std::unique_lock<std::mutex> lock(mutex_);
  const bool found = await(lock, Clock::now());
  if (found) tell_waiting();
  return found;
}

void Poller::Port::sleep(const std::atomic<bool>* over) {
  std::unique_lock<std::mutex> lock(mutex_);
  // Found in passing, perhaps, while another thread waits for it.
  if (await(lock, TimePoint::max(), over)) tell_waiting();
}

void Poller::Port::rouse() {
  const std::lock_guard<std::mutex> lock(mutex_);
  tell_waiting();
}

void Poller::Port::expire_at(TimePoint time) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (expires_at_ <= time) return;
  expires_at_ = time;
  tell_waiting();
}

// ---- As poller.h describes it

Poller::Poller() {
  os::start_sockets();
  // Who comes first is not kept from it by one that was there before and is busy, however few processors there are.
  constexpr DWORD kThreads = 0x7fff;
  const HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, kThreads);
  if (!port) return;
  port_ = std::make_unique<Port>(port);
  if (!port_->ok()) port_.reset();
}

Poller::~Poller() = default;

bool Poller::watch(int fd, uint32_t interest, uint64_t token, bool) {
  return port_->watch(fd, interest, token);
}

void Poller::unwatch(int fd) { port_->unwatch(fd); }

int Poller::wait(Batch& batch, int timeout) { return port_->wait(batch, timeout); }

// Both are dealt with when they have been told.
bool Poller::settle(uint64_t token) { return token >= kFirstOwnToken; }

void Poller::wake() { port_->wake(); }

void Poller::expire_at(TimePoint time) { port_->expire_at(time); }

bool Poller::has_events() const { return port_->has_events(); }

void Poller::sleep() const { port_->sleep(nullptr); }

void Poller::sleep_until(const std::atomic<bool>& over) const { port_->sleep(&over); }

void Poller::rouse() const { port_->rouse(); }

void Poller::note_read(int fd) { Port::note(fd, kReading); }

void Poller::note_full(int fd) { Port::note(fd, kWriting); }

}  // namespace vws

#endif

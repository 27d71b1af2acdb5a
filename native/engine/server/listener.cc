#include "engine/server/listener.h"

#include <cerrno>
#include <utility>

#include "engine/log.h"
#include "engine/net/io_errors.h"
#include "engine/os/error_names.h"
#include "engine/os/socket.h"
#include "engine/placement.h"
#include "engine/server/incoming.h"
#include "engine/service.h"

namespace vws {

namespace {

// Accepted in one turn, so that those who are connected get theirs.
constexpr int kAcceptsPerTurn = 64;

// Without descriptors or memory the kernel goes on saying that somebody waits.
constexpr Milliseconds kRetryInterval{100};

}  // namespace

ListenerStats& ListenerStats::operator+=(const ListenerStats& other) {
  connections += other.connections;
  handshakes += other.handshakes;
  accepted += other.accepted;
  over_limit += other.over_limit;
  over_limit_per_address += other.over_limit_per_address;
  timeouts += other.timeouts;
  malformed += other.malformed;
  over_header_size += other.over_header_size;
  over_headers_count += other.over_headers_count;
  over_handshakes += other.over_handshakes;
  proxy_failures += other.proxy_failures;
  tls_failures += other.tls_failures;
  not_upgrades += other.not_upgrades;
  return *this;
}

bool Admissions::admit(const ListenerLimits& limits, ListenerStats& stats) {
  if (limits.connections != 0 && count() >= limits.connections) {
    ++stats.over_limit;
    return false;
  }
  count_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool Admissions::admit_address(const std::string& address, const ListenerLimits& limits,
                               ListenerStats& stats) {
  const std::lock_guard<std::mutex> lock(mutex_);
  uint32_t& count = by_address_[address];
  if (count >= limits.connections_per_address) {
    ++stats.over_limit_per_address;
    return false;
  }
  ++count;
  return true;
}

void Admissions::leave(const std::string& address) {
  count_.fetch_sub(1, std::memory_order_relaxed);
  if (address.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = by_address_.find(address);
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
}

bool Admission::belongs_to(const Address& client, const ListenerLimits& limits,
                           ListenerStats& stats) {
  if (limits.connections_per_address == 0 || !client.is_ip()) return true;
  std::string address = without_mapping(client).text();
  if (!admissions_->admit_address(address, limits, stats)) return false;
  address_ = std::move(address);
  return true;
}

Listener::Listener(Service& service, int32_t id, UniqueFd socket, ListenerSettings settings,
                   std::shared_ptr<const ServerTls> tls, std::shared_ptr<Admissions> admissions)
    : service_(service),
      id_(id),
      socket_(std::move(socket)),
      accepts_(socket_),
      settings_(std::move(settings)),
      tls_(std::move(tls)),
      admissions_(std::move(admissions)) {}

Listener::~Listener() {
  stop();
  incoming_.clear();
}

void Listener::start() {
  if (watching_ || retry_timer_ != 0 || !socket_) return;
  watching_ = service_.loop().watch(socket_.get(), kReadable, this);
  if (!watching_) retry_later(Poller::kWatchCall);
}

void Listener::stop() {
  pause();
  service_.loop().cancel(std::exchange(retry_timer_, 0));
  socket_.reset();
}

void Listener::pause() {
  if (watching_) service_.loop().unwatch(socket_.get());
  watching_ = false;
}

// errno says why. Who comes meanwhile waits in the system's backlog.
void Listener::retry_later(const char* call) {
  if (!std::exchange(troubled_, true)) {
    Log::write(kLogError,
               "listener " + std::to_string(id_) + ": " + call + ' ' + errno_name(errno));
  }
  pause();
  retry_timer_ = service_.loop().after(kRetryInterval, [this] {
    retry_timer_ = 0;
    start();
  });
}

ListenerStats Listener::stats() const {
  ListenerStats stats = stats_;
  if (!accepts_) return stats;
  stats.connections = admissions_->count();
  stats.handshakes = admissions_->handshakes();
  return stats;
}

void Listener::on_ready(int, uint32_t) {
  const auto full = [this] {
    return settings_.handshakes != 0 && admissions_->handshakes() >= settings_.handshakes;
  };
  for (int i = 0; i < kAcceptsPerTurn && watching_; ++i) {
    if (full()) {
      ++stats_.over_handshakes;
      pause();  // until one of them has ended
      admissions_->hold_back();
      if (!full()) start();
      return;
    }
    if (!accept_one()) return;
  }
}

bool Listener::accept_one() {
  sockaddr_storage storage;
  socklen_t size = sizeof storage;
  UniqueFd socket(os::accept_stream(socket_.get(), reinterpret_cast<sockaddr*>(&storage), &size));
  if (socket) {
    troubled_ = false;
    take(std::move(socket), Address(reinterpret_cast<sockaddr*>(&storage), size));
    return true;
  }
  if (is_blocked(errno)) return false;
  if (os::is_lost_before_accept(errno)) return true;
  // No descriptors, no memory, or what nobody has thought of: the kernel goes on saying that somebody waits.
  retry_later("accept");
  return false;
}

void Listener::take(UniqueFd socket, const Address& peer) {
  if (!admissions_->admit(settings_, stats_)) return;
  auto admission = std::make_shared<Admission>(admissions_);
  // Others say later for whom they ask.
  const bool speaks_for_itself =
      !settings_.proxies.sends_header(peer) && !settings_.proxies.trusted.networks.contains(peer);
  if (speaks_for_itself && !admission->belongs_to(peer, settings_, stats_)) return;
  ++stats_.accepted;
  if (peer.is_ip()) os::set_option(socket.get(), os::SocketOption::kNoDelay, 1);
  admissions_->begin_handshake();
  Service& lane = service_.placement().next();
  if (&lane == &service_) {
    begin(std::move(socket), peer, std::move(admission));
    return;
  }
  const auto shared = std::make_shared<UniqueFd>(std::move(socket));
  lane.ask([&lane, id = id_, shared, peer, admission = std::move(admission)] {
    // It goes only when this one has stopped.
    lane.listener(id)->begin(std::move(*shared), peer, admission);
  });
}

void Listener::begin(UniqueFd socket, const Address& peer, std::shared_ptr<Admission> admission) {
  auto incoming =
      std::make_unique<Incoming>(*this, std::move(socket), peer, tls_, std::move(admission));
  incoming->place = incoming_.size();
  incoming_.push_back(std::move(incoming));
  incoming_.back()->start();
}

void Listener::finished(Incoming& incoming) {
  const size_t place = incoming.place;
  std::swap(incoming_[place], incoming_.back());
  incoming_[place]->place = place;
  incoming_.pop_back();
  service_.expect_less();
  admissions_->end_handshake();
  if (accepts_) {
    start();
  } else if (admissions_->take_held_back()) {
    Service& listening = service_.placement().listening();
    listening.ask([&listening, id = id_] {
      if (Listener* found = listening.listener(id)) found->start();
    });
  }
}

}  // namespace vws

#include "engine/server/listener.h"

#include <cerrno>
#include <utility>

#include "engine/log.h"
#include "engine/net/io_errors.h"
#include "engine/os/error_names.h"
#include "engine/os/socket.h"
#include "engine/server/incoming.h"
#include "engine/service.h"

namespace vws {

namespace {

// Accepted in one turn, so that those who are connected get theirs.
constexpr int kAcceptsPerTurn = 64;

// Without descriptors or memory the kernel goes on saying that somebody waits.
constexpr Milliseconds kRetryInterval{100};

}  // namespace

bool Admissions::admit(const ListenerLimits& limits, ListenerStats& stats) {
  if (limits.connections != 0 && count_ >= limits.connections) {
    ++stats.over_limit;
    return false;
  }
  ++count_;
  return true;
}

bool Admissions::admit_address(const std::string& address, const ListenerLimits& limits,
                               ListenerStats& stats) {
  uint32_t& count = by_address_[address];
  if (count >= limits.connections_per_address) {
    ++stats.over_limit_per_address;
    return false;
  }
  ++count;
  return true;
}

void Admissions::leave(const std::string& address) {
  --count_;
  if (address.empty()) return;
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
                   std::shared_ptr<const ServerTls> tls)
    : service_(service),
      id_(id),
      socket_(std::move(socket)),
      settings_(std::move(settings)),
      tls_(std::move(tls)) {}

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
  stats.connections = admissions_->count();
  stats.handshakes = incoming_.size();
  return stats;
}

void Listener::on_ready(int, uint32_t) {
  for (int i = 0; i < kAcceptsPerTurn && watching_; ++i) {
    if (settings_.handshakes != 0 && incoming_.size() >= settings_.handshakes) {
      ++stats_.over_handshakes;
      pause();  // until one of them has ended
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
  start();
}

}  // namespace vws

#include "engine/topics.h"

#include <memory>
#include <utility>

#include "engine/connection.h"
#include "engine/publication.h"

namespace vws {

void Topics::subscribe(int32_t topic, Connection& connection) {
  if (connection.dead()) return;
  auto& memberships = connection.memberships;
  if (!memberships) memberships = std::make_unique<std::vector<Membership>>();
  for (const Membership& one : *memberships) {
    if (one.topic == topic) return;
  }
  std::vector<Subscriber>& subscribers = topics_[topic];
  memberships->push_back({topic, static_cast<uint32_t>(subscribers.size())});
  subscribers.push_back({&connection, static_cast<uint32_t>(memberships->size() - 1)});
}

void Topics::unsubscribe(int32_t topic, Connection& connection) {
  if (!connection.memberships) return;
  for (size_t slot = 0; slot < connection.memberships->size(); ++slot) {
    if ((*connection.memberships)[slot].topic != topic) continue;
    remove(connection, slot);
    return;
  }
}

void Topics::leave_all(Connection& connection) {
  while (connection.memberships) remove(connection, connection.memberships->size() - 1);
}

// The last of either list takes the place that becomes free.
void Topics::remove(Connection& connection, size_t slot) {
  std::vector<Membership>& memberships = *connection.memberships;
  const Membership gone = memberships[slot];
  const auto found = topics_.find(gone.topic);
  std::vector<Subscriber>& subscribers = found->second;
  const Subscriber last = subscribers.back();
  subscribers[gone.place] = last;
  (*last.connection->memberships)[last.slot].place = gone.place;
  subscribers.pop_back();
  if (subscribers.empty()) topics_.erase(found);

  const Membership moved = memberships.back();
  memberships[slot] = moved;
  memberships.pop_back();
  if (slot < memberships.size()) {
    topics_.find(moved.topic)->second[moved.place].slot = static_cast<uint32_t>(slot);
  }
  // Idle connections keep nothing.
  if (memberships.empty()) connection.memberships.reset();
}

void Topics::publish(int32_t topic, Publication& publication, int32_t except) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  for (const Subscriber& one : found->second) {
    if (one.connection->id() != except) one.connection->publish(publication);
  }
}

}  // namespace vws

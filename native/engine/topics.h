#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace vws {

class Connection;
class Publication;

// Which connections get what is published under a number. Thread that holds the service.
class Topics {
 public:
  // A connection's place among a topic's subscribers; kept by the connection for us.
  struct Membership {
    int32_t topic;
    uint32_t place;
  };

  // Once; does nothing for one that subscribes already.
  void subscribe(int32_t topic, Connection& connection);
  void unsubscribe(int32_t topic, Connection& connection);
  // Before the connection goes.
  void leave_all(Connection& connection);
  // except: the connection that does not get it; 0: none.
  void publish(int32_t topic, Publication& publication, int32_t except);

 private:
  struct Subscriber {
    Connection* connection;
    uint32_t slot;  // of its Membership, among those of the connection
  };

  void remove(Connection& connection, size_t slot);

  std::unordered_map<int32_t, std::vector<Subscriber>> topics_;
};

}  // namespace vws

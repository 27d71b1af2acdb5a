#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/transport.h"
#include "engine/upgrade.h"

namespace vws {

// permessage-deflate in force (RFC 7692), as this side sees it.
struct DeflateTerms {
  int in_window_bits = 15;
  int out_window_bits = 15;
  bool in_no_context_takeover = false;
  bool out_no_context_takeover = false;
};

// What an opening handshake, of either side, hands over: an open connection.
struct Opened {
  std::shared_ptr<Transport> transport;
  std::optional<DeflateTerms> deflate;
  std::vector<uint8_t> early;  // frames that came with the handshake
  std::string greeting;        // bytes to be written before the first frame: the server's answer
};

// Told how an opening handshake ends: one of the three, once. May run inside libwebsockets, whose wsi must not be
// closed from it.
class OpeningListener {
 public:
  virtual ~OpeningListener() = default;
  virtual void on_opened(Opened opened) = 0;
  virtual void on_opening_failed(ConnectionFailure failure) = 0;
  // The server has answered with another status than 101. The rest of the response's body can be read; when the time
  // for it is over, on_opening_failed() follows.
  virtual void on_refused(ConnectionFailure failure, std::shared_ptr<Transport> transport) = 0;
};

}  // namespace vws

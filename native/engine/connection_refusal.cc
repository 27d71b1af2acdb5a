// A connection that the server has refused with an HTTP response: its body is there for JavaScript to read.

#include "engine/connection.h"
#include "engine/os/error_names.h"
#include "engine/os/iovec.h"
#include "engine/service.h"

namespace vws {

namespace {
// What is read in one go. The rest waits for the next turn.
constexpr size_t kPiece = 16 * 1024;
}  // namespace

// Inside libwebsockets.
void Connection::on_refused(ConnectionFailure failure, std::shared_ptr<Transport> transport) {
  if (failure_) return;
  log_failure(failure);
  failure_ = std::make_unique<ConnectionFailure>(std::move(failure));
  enter(Phase::kBody);
  transport_ = std::move(transport);
  paused_ = true;
  // What came with the header was in one read with it: there may be more.
  readable_ = true;
  if (!transport_->begin(this)) end_body(EventLoop::not_watched(errno));
  service_.settle_later(*this);
}

// The end of the turn: tells of the refusal, and holds the connection for its body.
void Connection::report_refusal() {
  FailureValue value;
  value.response = opening_->take_response();
  value.failure = std::move(*failure_);
  value.held = true;
  failure_.reset();
  const Kind kind = value.failure.code == "ERR_REDIRECT" ? Kind::kRedirect : Kind::kConnectionError;
  service_.inbox().add_value(id_, kind, std::move(value));
}

// JavaScript wants the body; from here on it is told of the end.
void Connection::want_body() {
  paused_ = false;
  body_wanted_ = true;
  if (ended_) {
    service_.settle_later(*this);
  } else {
    service_.schedule(*this);
  }
}

bool Connection::read_body() {
  if (paused_ || !readable_) return false;
  if (service_.reading_suspended()) {
    service_.park(*this);
    return false;
  }
  struct iovec piece {
    service_.receive_buffer(), kPiece
  };
  const Transfer received = transport_->read(&piece, 1, peer_closed_);
  if (received.bytes) {
    service_.spend(received.bytes);
    service_.inbox().add_bytes(id_, Kind::kBody, service_.receive_buffer(), received.bytes);
    starved_in_.shortage.pass();
  }
  if (received.drained) readable_ = false;
  if (received.ended) {
    end_body(received.detail);
  } else if (received.starved) {
    if (!rest(starved_in_)) end_body("read " + errno_name(received.starved));
    return false;
  }
  return readable_ && !ended_;
}

// detail: why it is cut off; empty: the server has ended it.
void Connection::end_body(std::string detail) {
  if (ended_) return;
  ended_ = true;
  ending().detail = std::move(detail);
  // Nobody is told before somebody wants it: the number may be another connection's by then.
  if (body_wanted_) service_.settle_later(*this);
}

// terminate(), and the release of a connection that nobody wants the body of.
void Connection::drop_body() {
  killed_ = true;
  if (failure_) return;  // not told yet: it becomes a failure like any other
  if (body_wanted_) {
    end_body("given up");
  } else {
    abandon();
    progress_.ended.store(true);
    service_.forget(*this);
  }
}

}  // namespace vws

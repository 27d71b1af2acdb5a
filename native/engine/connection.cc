// A connection's way up and its way down. Its bytes are in connection_io.cc.

#include "engine/connection.h"

#include <cassert>
#include <cerrno>
#include <utility>

#include "engine/os/error_names.h"
#include "engine/service.h"
#include "engine/tls/tls_io.h"
#include "engine/ws/close_codes.h"

namespace vws {

namespace {

// How long a client that was refused may take to end the connection, having read the answer.
constexpr Milliseconds kRefusalTime{1000};

UpgradeRequest request_of(ConnectionOptions& options) {
  options.request.starved_limit = options.starved_limit;
  return std::move(options.request);
}

SocketOptions socket_of(ConnectionOptions& options) {
  if (options.socket.proxy) options.socket.proxy->starved_limit = options.starved_limit;
  return std::move(options.socket);
}

}  // namespace

Connection::Connection(Service& service, int32_t id, ConnectionOptions options)
    : service_(service),
      id_(id),
      settings_(options),
      role_(kClientRole),
      opening_(std::make_unique<ClientOpening>(service, id, socket_of(options), request_of(options),
                                               options.handshake_timeout,
                                               static_cast<OpeningListener&>(*this))),
      wire_(service.chunks()) {}

Connection::Connection(Service& service, int32_t id, std::shared_ptr<Transport> transport,
                       std::vector<uint8_t> early)
    : service_(service),
      id_(id),
      role_(kServerRole),
      transport_(std::move(transport)),
      unread_(std::move(early)),
      wire_(service.chunks()) {}

Connection::Connection(Service& service, int32_t id, std::shared_ptr<Transport> transport,
                       AcceptOptions options)
    : service_(service),
      id_(id),
      settings_(options),
      role_(options.role),
      setup_(std::make_unique<AcceptOptions>(std::move(options))),
      transport_(std::move(transport)),
      wire_(service.chunks()) {}

Connection::~Connection() = default;

void Connection::cancel_timer(EventLoop::TimerId& timer) {
  service_.loop().cancel(std::exchange(timer, 0));
}

Connection::Ending& Connection::ending() {
  if (!ending_) ending_ = std::make_unique<Ending>();
  return *ending_;
}

// ---- Up

// What may follow what.
void Connection::enter(Phase next) {
  assert(phase_ != Phase::kDead);
  assert(next != Phase::kIdle && next > phase_);
  assert(next != Phase::kRefused || phase_ == Phase::kUndecided);
  phase_ = next;
}

void Connection::start() {
  if (phase_ != Phase::kIdle || failure_) return;
  if (opening_) {
    enter(Phase::kOpening);
    opening_->start();
    return;
  }
  if (!setup_) {
    enter(Phase::kUndecided);
    if (!transport_->begin(this)) {
      ending().detail = EventLoop::not_watched(errno);
      end_undecided();
    }
    return;
  }
  const auto setup = std::move(setup_);
  if (!transport_->begin(this)) on_end_of_stream(EventLoop::not_watched(errno));
  on_opened({transport_, setup->deflate, std::move(setup->early), std::move(setup->greeting)});
}

void Connection::accept(AcceptOptions options) {
  if (phase_ != Phase::kUndecided || ended_) return;
  settings_ = options;
  std::vector<uint8_t> early = std::move(unread_);
  on_opened({transport_, options.deflate, std::move(early), std::move(options.greeting)});
}

void Connection::refuse(std::string response) {
  if (phase_ != Phase::kUndecided || ended_) return;
  enter(Phase::kRefused);
  unread_.clear();
  wire_.begin_with(response);
  close_timer_ = service_.loop().after(kRefusalTime, [this] {
    close_timer_ = 0;
    end_undecided();
  });
  service_.schedule(*this);
}

// A request that was never accepted has ended.
void Connection::end_undecided() {
  if (ended_) return;
  ended_ = true;
  service_.settle_later(*this);
}

void Connection::judge(const std::string& error) {
  if (phase_ == Phase::kOpening && opening_) opening_->judge(error);
}

void Connection::on_opening_failed(ConnectionFailure failure) {
  if (phase_ == Phase::kBody) {
    end_body(std::move(failure.detail));
  } else {
    fail(std::move(failure));
  }
}

// Maybe inside libwebsockets: the wsi lives on, and may not be closed before this returns.
void Connection::on_opened(Opened opened) {
  if (failure_) return;
  enter(Phase::kOpen);
  const bool begun = transport_ != nullptr;
  transport_ = std::move(opened.transport);
  if (transport_->ssl()) tls_begin_bulk(transport_->ssl());
  read_with(opened.deflate);
  unread_ = std::move(opened.early);
  if (!begun && !transport_->begin(this)) on_end_of_stream(EventLoop::not_watched(errno));
  service_.settle_later(*this);  // gives up what only the opening needed
  // What has come behind the handshake the loop will tell, but for what OpenSSL has read already.
  readable_ |= transport_->ssl() != nullptr;
  if (!opened.greeting.empty()) wire_.begin_with(opened.greeting);
  if (const auto waiting = std::move(waiting_raw_)) frame_raw(*waiting, {});
  if (settings_.heartbeat_interval.count() > 0) schedule_heartbeat(settings_.heartbeat_interval);
  if (settings_.idle_timeout.count() > 0) watch_idle();
  service_.schedule(*this);
}

void Connection::read_with(const std::optional<DeflateTerms>& deflate) {
  if (deflate) {
    inflater_ = std::make_unique<Inflater>(service_.deflate_pool(), deflate->in_window_bits,
                                           deflate->in_no_context_takeover);
    deflater_ = std::make_unique<Deflater>(service_.deflate_pool(), deflate->out_window_bits,
                                           deflate->out_no_context_takeover,
                                           settings_.deflate_level, settings_.deflate_mem_level);
    // As in ws: with context takeover small messages are worth compressing too.
    settings_.publish_threshold = settings_.deflate_threshold;
    if (!deflate->out_no_context_takeover) settings_.deflate_threshold = 0;
  }
  ReaderOptions reading;
  reading.expect_masked = role_.expects_masked;
  reading.inflater = inflater_.get();
  reading.max_message = settings_.max_message;
  reading.max_text = settings_.max_text;
  reading.max_fragments = settings_.max_fragments;
  reading.check_utf8 = settings_.check_utf8;
  reader_ = std::make_unique<FrameReader>(static_cast<MessageSink&>(*this), reading);
}

// ---- Down

void Connection::fail(ConnectionFailure failure) {
  if (phase_ > Phase::kOpening || failure_) return;
  if (opening_) opening_->give_up();
  log_failure(failure);
  failure_ = std::make_unique<ConnectionFailure>(std::move(failure));
  service_.settle_later(*this);
}

void Connection::close(uint16_t code, const std::string& reason) {
  if (phase_ != Phase::kOpen) {
    terminate();
    return;
  }
  if (close_sent_ || ended_) return;
  log(kLogUser, "close: ", std::to_string(code) + (reason.empty() ? "" : " " + reason));
  our_code_ = code;
  if (!reason.empty()) ending().our_reason = reason;
  cancel_timer(close_timer_);  // it waited for this
  send_close_frame();
  service_.schedule(*this);
}

void Connection::terminate() {
  if (phase_ <= Phase::kOpening) {
    ConnectionFailure failure;
    failure.code = "ERR_CONNECTION_ABORTED";
    failure.reason = "closed before the connection was established";
    failure.detail = "the connection was closed before it was established";
    fail(std::move(failure));
    return;
  }
  if (phase_ == Phase::kBody) {
    drop_body();
    return;
  }
  if (ended_ || phase_ == Phase::kDead) return;
  log(kLogUser, "terminate", "");
  terminated_ = true;
  killed_ = true;
  ended_ = true;
  service_.settle_later(*this);
}

void Connection::begin_close_wait() {
  if (close_timer_ || ended_ || settings_.close_timeout.count() == 0) return;
  close_timer_ = service_.loop().after(settings_.close_timeout, [this] {
    close_timer_ = 0;
    if (close_sent_) {
      on_end_of_stream("the peer did not close the connection in time");
    } else {
      answer_close();
    }
  });
}

// JavaScript has not done it in time.
void Connection::answer_close() {
  if (broken_) {
    close(our_code_, {});
  } else {
    close(peer_code_ == kCloseNoStatus ? 0 : peer_code_, std::string(ending().peer_reason));
  }
}

// As with the peer's Close frame (on_close), JavaScript sends ours when it has heard of this: what it sends in answer
// to what came before goes out first. If it does not get there, the timer does.
void Connection::protocol_error() {
  const auto& failure = reader_->failure();
  broken_ = true;
  log(kLogWarning, "protocol error: ", std::string(failure.code) + ", " + failure.message);
  unread_.clear();
  FailureValue value;
  value.failure.code = failure.code;
  value.failure.reason = failure.message;
  value.failure.detail = failure.message;
  value.failure.close_code = failure.close_code;
  if (failure.close_code == kCloseTooBig) ending().excess = Excess::kPayload;
  if (failure.close_code == kClosePolicyViolation) ending().excess = Excess::kFragments;
  service_.inbox().add_value(id_, Kind::kProtocolError, std::move(value));
  if (!close_sent_) our_code_ = failure.close_code;
  begin_close_wait();
}

void Connection::on_end_of_stream(std::string detail) {
  if (ending().detail.empty()) ending().detail = std::move(detail);
  if (ended_) return;
  ended_ = true;
  service_.settle_later(*this);
}

// Outside libwebsockets, at the end of a turn.
void Connection::settle() {
  if (phase_ == Phase::kDead) return;
  if (dropped_) report_dropped();
  if (phase_ == Phase::kOpen && opening_) {
    // Ten thousand idle connections notice what is kept of what brought them up.
    transport_->settle();
    opening_.reset();
  }
  if (failure_ && phase_ == Phase::kBody && !killed_) {
    report_refusal();
    return;
  }
  if (failure_) {
    FailureValue value;
    if (opening_) value.response = opening_->take_response();
    value.failure = std::move(*failure_);
    release();
    const Kind kind =
        value.failure.code == "ERR_REDIRECT" ? Kind::kRedirect : Kind::kConnectionError;
    service_.inbox().add_value(id_, kind, std::move(value));
  } else if (ended_ && (phase_ != Phase::kBody || body_wanted_)) {
    if (phase_ == Phase::kOpen) read_the_rest();
    const bool clean = close_received_ && close_flushed_ && !broken_;
    ClosedValue value;
    if (close_received_) value.reason = std::move(ending().peer_reason);
    value.clean = clean;
    value.excess = ending().excess;
    value.detail = std::move(ending().detail);
    // What the program has cut off itself is no reason to warn it.
    if (!clean && !broken_ && !terminated_ && phase_ != Phase::kBody) {
      log(kLogWarning, "closed abnormally: ", value.detail);
    } else {
      log(kLogClient, "closed ", clean ? "cleanly" : "abnormally");
    }
    const int32_t code = close_received_ ? peer_code_ : static_cast<uint16_t>(kCloseAbnormal);
    release();
    service_.inbox().add_value(id_, Kind::kClosed, std::move(value), code, true);
  } else {
    return;
  }
  enter(Phase::kDead);
  progress_.ended.store(true);
  service_.forget(*this);
}

void Connection::release() {
  cancel_timer(close_timer_);
  cancel_timer(heartbeat_timer_);
  if (idle_) cancel_timer(idle_->timer);
  cancel_timer(starved_out_.timer);
  cancel_timer(starved_in_.timer);
  opening_.reset();
  if (transport_) {
    // Not a reset unless asked for: what we have written must still arrive.
    if (transport_->ssl() && !killed_) half_close();
    transport_->close();
    transport_.reset();
  }
  stats_ = stats();  // what the reader has counted stays
  reader_.reset();
  inflater_.reset();
  deflater_.reset();
  wire_.clear();
  backlog_.reset();
  waiting_raw_.reset();
  service_.topics().leave_all(*this);
}

void Connection::abandon() {
  killed_ = true;
  release();
  phase_ = Phase::kDead;
}

}  // namespace vws
